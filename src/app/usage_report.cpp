// SPDX-License-Identifier: Apache-2.0
#include "app/usage_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "json/write.h"

namespace tailgate::app {
namespace {

constexpr std::string_view kNobody = "(none)";

const json::Value* first_of(const json::Event& event, const std::vector<json::Path>& paths) {
  for (const json::Path& path : paths) {
    const json::Value* value = event.find(path);
    if (value != nullptr && value->kind != json::Kind::null) return value;
  }
  return nullptr;
}

std::string_view scalar_text(const json::Value* value, json::Arena& arena) {
  if (value == nullptr) return {};
  if (value->kind == json::Kind::string) return json::text_of(*value, arena);
  return value->kind == json::Kind::number ? value->raw : std::string_view{};
}

bool read_number(std::string_view text, double& out) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  return problem == std::errc() && end == text.data() + text.size();
}

class UsageFilter final : public Filter {
 public:
  UsageFilter(UsageRules rules, UsageReport& report) : rules_(std::move(rules)), report_(report) {}

  Result<Verdict> apply(json::Event& event) override {
    json::Arena& arena = event.arena();
    const std::string_view time = scalar_text(first_of(event, rules_.fields.time), arena);
    const std::optional<TimeSpan> at = parse_time(time);
    if (rules_.since && (!at || at->begin < *rules_.since)) return Verdict::drop;
    if (rules_.until && (!at || at->begin >= *rules_.until)) return Verdict::drop;
    std::string_view client = scalar_text(first_of(event, rules_.fields.client), arena);
    if (client.empty() || client == "-") client = kNobody;
    if (!rules_.only_client.empty() && client != rules_.only_client) return Verdict::drop;
    ++report_.requests;
    auto found = report_.clients.find(client);
    if (found == report_.clients.end())
      found = report_.clients.emplace(std::string(client), ClientUsage{}).first;
    count(found->second, event);
    if (at) see(found->second, at->begin, time);
    return Verdict::drop;
  }

 private:
  void count(ClientUsage& usage, const json::Event& event) {
    ++usage.requests;
    double number = 0;
    const bool has_status =
        read_number(scalar_text(first_of(event, rules_.fields.status), event.arena()), number);
    const bool known = has_status && number >= 100 && number < 600;
    ++usage.by_class[known ? static_cast<std::size_t>(number / 100) : 0];
    if (read_number(scalar_text(first_of(event, rules_.fields.duration), event.arena()), number)) {
      usage.durations.push_back(number);
    }
  }

  static void see(ClientUsage& usage, Instant at, std::string_view time) {
    if (usage.first.empty() || at < usage.first_at) {
      usage.first = time;
      usage.first_at = at;
    }
    if (usage.last.empty() || at > usage.last_at) {
      usage.last = time;
      usage.last_at = at;
    }
  }

  UsageRules rules_;
  UsageReport& report_;
};

// Nearest rank: the smallest value that at least q of all do not exceed.
double percentile(std::vector<double>& sorted, double q) {
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

using Row = std::pair<std::string, ClientUsage>;

std::vector<Row> busiest(const UsageReport& report) {
  std::vector<Row> rows(report.clients.begin(), report.clients.end());
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.second.requests != b.second.requests ? a.second.requests > b.second.requests
                                                  : a.first < b.first;
  });
  for (Row& row : rows) std::sort(row.second.durations.begin(), row.second.durations.end());
  return rows;
}

double share(const UsageReport& report, const ClientUsage& usage) {
  return report.requests == 0
             ? 0
             : static_cast<double>(usage.requests) / static_cast<double>(report.requests);
}

// Control characters of a forged id must not reach the terminal.
std::string printable(std::string_view text, std::size_t width) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  if (out.size() <= width) return out;
  std::size_t cut = width - 3;
  while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0) == 0x80) --cut;
  return out.substr(0, cut) + "...";
}

}  // namespace

UsageFields UsageFields::usual() {
  const auto paths = [](std::initializer_list<std::vector<std::string_view>> names) {
    std::vector<json::Path> list;
    for (const auto& name : names) list.push_back(json::Path::of(name));
    return list;
  };
  UsageFields fields;
  fields.client = paths({{"client_id"}});
  fields.status = paths({{"http", "status_code"},
                         {"http.status_code"},
                         {"http_status_code"},
                         {"response_code"},
                         {"status"}});
  fields.duration = paths({{"total_time_ms"}, {"duration_ms"}, {"duration"}, {"backend_time_ms"}});
  fields.time = paths(
      {{"meta", "dt"}, {"meta.dt"}, {"meta_dt"}, {"dt"}, {"start_time"}, {"@timestamp"}, {"time"}});
  return fields;
}

std::unique_ptr<Filter> make_usage_filter(UsageRules rules, UsageReport& report) {
  return std::make_unique<UsageFilter>(std::move(rules), report);
}

std::string UsageReport::table(std::size_t limit) const {
  const std::vector<Row> rows = busiest(*this);
  std::size_t width = std::max<std::size_t>(9, std::min<std::size_t>(by.size(), 40));
  for (const Row& row : rows) width = std::max(width, std::min<std::size_t>(row.first.size(), 40));
  std::string out =
      fmt::format("{:<{}} {:>10} {:>6} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}  {:<24}  {}\n",
                  printable(by, 40), width, "requests", "share", "4xx", "5xx", "other", "p50 ms",
                  "p95 ms", "p99 ms", "first seen", "last seen");
  std::size_t shown = 0;
  for (Row row : rows) {
    if (limit > 0 && shown++ == limit) {
      out += fmt::format("… and {} more\n", rows.size() - limit);
      break;
    }
    ClientUsage& usage = row.second;
    const auto ms = [&](double q) {
      return usage.durations.empty() ? std::string("-")
                                     : fmt::format("{:g}", percentile(usage.durations, q));
    };
    out += fmt::format("{:<{}} {:>10} {:>5.1f}% {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}  {:<24}  {}\n",
                       printable(row.first, 40), width, usage.requests, 100 * share(*this, usage),
                       usage.by_class[4], usage.by_class[5], usage.by_class[0] + usage.by_class[1],
                       ms(0.50), ms(0.95), ms(0.99), printable(usage.first, 24),
                       printable(usage.last, 24));
  }
  return out;
}

std::string UsageReport::json() const {
  std::string out = fmt::format("{{\"requests\":{},\"clients\":[", requests);
  bool first = true;
  for (Row row : busiest(*this)) {
    ClientUsage& usage = row.second;
    out += first ? "" : ",";
    first = false;
    out += "{";
    json::write_string(by, out);
    out += ':';
    if (row.first == kNobody) {
      out += "null";
    } else {
      json::write_string(row.first, out);
    }
    out += fmt::format(",\"requests\":{},\"share\":{:.6f},\"status\":{{", usage.requests,
                       share(*this, usage));
    for (std::size_t i = 0; i < usage.by_class.size(); ++i) {
      out += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",",
                         i == 0 ? "other" : fmt::format("{}xx", i), usage.by_class[i]);
    }
    out += "}";
    for (const auto& [name, q] : {std::pair{"p50_ms", 0.50}, {"p95_ms", 0.95}, {"p99_ms", 0.99}}) {
      out += fmt::format(
          ",\"{}\":{}", name,
          usage.durations.empty() ? "null" : fmt::format("{}", percentile(usage.durations, q)));
    }
    for (const auto& [name, time] :
         {std::pair{"first_seen", &usage.first}, {"last_seen", &usage.last}}) {
      out += fmt::format(",\"{}\":", name);
      if (time->empty()) {
        out += "null";
      } else {
        json::write_string(*time, out);
      }
    }
    out += "}";
  }
  return out + "]}\n";
}

}  // namespace tailgate::app
