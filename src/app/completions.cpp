// SPDX-License-Identifier: Apache-2.0
#include "app/completions.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "app/version.h"

namespace tailgate::app {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<const CLI::Option*> flags_of(const CLI::App& command) {
  return command.get_options([](const CLI::Option* option) { return option->nonpositional(); });
}

std::string flag_words(const CLI::App& command) {
  std::string words;
  for (const CLI::Option* option : flags_of(command)) {
    for (const std::string& name : option->get_lnames())
      words += (words.empty() ? "--" : " --") + name;
  }
  return words;
}

std::string escaped(const std::string& text, char quote) {
  std::string out;
  for (const char c : text) {
    if (c == quote) {
      out += quote == '\'' ? "'\\''" : std::string("\\") + quote;
    } else {
      out += c;
    }
  }
  return out;
}

// roff reads a leading dot or quote and every backslash as its own.
std::string roff(const std::string& text) {
  std::string out = !text.empty() && (text[0] == '.' || text[0] == '\'') ? "\\&" : "";
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string names;
  std::string cases;
  for (const CLI::App* command : commands_of(app)) {
    names += (names.empty() ? "" : " ") + command->get_name();
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), flag_words(*command));
  }
  return fmt::format(R"(# bash completion for tailgate
_tailgate() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{}"
  else
    case "${{COMP_WORDS[1]}}" in
{}    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  case "$word" in -*) ;; *) [ "$COMP_CWORD" -eq 1 ] || COMPREPLY+=($(compgen -f -- "$word")) ;; esac
}}
complete -o filenames -F _tailgate tailgate
)",
                     names, cases);
}

std::string zsh_completion(const CLI::App& app) {
  std::string names;
  std::string cases;
  for (const CLI::App* command : commands_of(app)) {
    names += fmt::format("    '{}:{}'\n", command->get_name(),
                         escaped(command->get_description(), '\''));
    cases += fmt::format("    {}) compadd -- {} ; _files ;;\n", command->get_name(),
                         flag_words(*command));
  }
  return fmt::format(R"(#compdef tailgate
local -a commands
if (( CURRENT == 2 )); then
  commands=(
{}  )
  _describe command commands
else
  case "$words[2]" in
{}  esac
fi
)",
                     names, cases);
}

std::string fish_completion(const CLI::App& app) {
  std::string out = "# fish completion for tailgate\n";
  for (const CLI::App* command : commands_of(app)) {
    out += fmt::format("complete -c tailgate -n __fish_use_subcommand -a {} -d '{}'\n",
                       command->get_name(), escaped(command->get_description(), '\''));
    for (const CLI::Option* option : flags_of(*command)) {
      for (const std::string& name : option->get_lnames()) {
        out += fmt::format(
            "complete -c tailgate -n '__fish_seen_subcommand_from {}' -l {}{} -d '{}'\n",
            command->get_name(), name, option->get_items_expected_max() > 0 ? " -r" : "",
            escaped(option->get_description(), '\''));
      }
    }
  }
  return out;
}

std::string man_page(const CLI::App& app) {
  std::string out = fmt::format(".TH TAILGATE 1 \"\" \"tailgate {}\"\n.SH NAME\ntailgate \\- {}\n",
                                kVersion, roff(app.get_description()));
  out += ".SH SYNOPSIS\n.B tailgate\n.I command\n[options]\n.SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app)) {
    out += fmt::format(".SS {}\n{}\n", command->get_name(), roff(command->get_description()));
    for (const CLI::Option* option : command->get_options()) {
      out += fmt::format(".TP\n.B {}\n{}\n", roff(option->get_name(false, true)),
                         roff(option->get_description()));
    }
  }
  out +=
      ".SH EXIT STATUS\n.TP\n0\nall settled, or (run) what is left waits safely\n.TP\n1\nsomething "
      "is undelivered or "
      "lost\n.TP\n2\nusage or settings\n.TP\n3\nfinished, but some events are dead letters\n";
  return out;
}

}  // namespace tailgate::app
