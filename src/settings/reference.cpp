// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "settings/check.h"
#include "settings/describe.h"
#include "settings/doc_view.h"

namespace tailgate::settings {
namespace {

std::string type_text(const Option& option) {
  switch (option.type) {
    case Type::text:
      return "text";
    case Type::boolean:
      return "boolean";
    case Type::integer:
      return "integer";
    case Type::bytes:
      return "size";
    case Type::duration:
      return "duration";
    case Type::text_or_list:
      return "text or list";
    case Type::text_map:
      return "map of texts";
    case Type::condition:
      return "condition";
    case Type::text_template:
      return "template";
    case Type::path:
      return "path";
    case Type::listen:
      return "host:port";
    case Type::any:
      return "see meaning";
    case Type::choice:
      break;
  }
  std::string out;
  for (const std::string_view choice : split_choices(option.choices)) {
    out += fmt::format("{}`{}`", out.empty() ? "" : ", ", choice);
  }
  return out;
}

/// For a table's cell: a bar would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

class ReferenceWriter {
 public:
  std::string document(const SectionDoc& root) {
    out_ = fmt::format("# {}\n", root.summary);
    table(DocView::of({&root}).options);
    for (const SectionDoc& child : root.children) section(child, child.name, 2);
    return std::move(out_);
  }

 private:
  void heading(std::string_view text, const SectionDoc& doc, int level) {
    out_ += fmt::format("\n{} {}\n", std::string(static_cast<std::size_t>(level), '#'), text);
    if (!doc.summary.empty()) out_ += fmt::format("\n{}\n", doc.summary);
  }

  void table(const std::vector<const Option*>& options) {
    if (options.empty()) return;
    out_ += "\n| option | type | default | meaning |\n|---|---|---|---|\n";
    for (const Option* option : options) {
      std::string value =
          option->default_text.empty() ? "" : fmt::format("`{}`", option->default_text);
      if (option->required) value = "required";
      out_ += fmt::format("| `{}` | {} | {} | {}{} |\n", option->name, cell(type_text(*option)),
                          cell(value), cell(option->summary),
                          option->secret ? " Printed as `***`." : "");
    }
  }

  void section(const SectionDoc& doc, const std::string& path, int level) {
    if (!doc.same_as.empty()) {
      heading(fmt::format("`{}`", path), doc, level);
      out_ += fmt::format("\nThe same as [`{}`](#{}).\n", doc.same_as, doc.same_as);
      return;
    }
    const bool named = doc.shape == SectionDoc::Shape::named;
    const std::string inner = named ? path + ".NAME" : path;
    heading(fmt::format("`{}`", path), doc, level);
    const DocView view = DocView::of({&doc});
    if (named && !view.options.empty()) out_ += fmt::format("\nEvery `{}` has:\n", inner);
    if (doc.shape == SectionDoc::Shape::list && !view.options.empty())
      out_ += "\nBeside the name of each:\n";
    table(view.options);
    for (const SectionDoc& child : doc.children)
      section(child, fmt::format("{}.{}", inner, child.name), level + 1);
    for (const SectionDoc& kind : doc.kinds) {
      const std::string kind_path = named ? inner : fmt::format("{}.{}", path, kind.name);
      heading(named ? fmt::format("`{}` with `type: {}`", inner, kind.name)
                    : fmt::format("`{}`", kind.name),
              kind, level + 1);
      table(DocView::of({&kind}).options);
      for (const SectionDoc& child : kind.children) {
        section(child, fmt::format("{}.{}", kind_path, child.name), level + 2);
      }
    }
  }

  std::string out_;
};

}  // namespace

std::string reference_markdown(const SectionDoc& root) {
  return ReferenceWriter().document(root);
}

}  // namespace tailgate::settings
