// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_settings.h"

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <system_error>

#include "core/template.h"
#include "settings/address.h"
#include "settings/readable_file.h"
#include "sinks/kafka_client.h"
#include "sinks/kafka_options.h"

namespace tailgate::sinks {
namespace {

struct Refused {
  std::string_view name;
  std::string_view why;
  bool always = false;  // also with unsafe_options
};

constexpr std::string_view kReports = "it would falsify delivery reports";
constexpr std::string_view kMemory = "memory_limit is the limit for events on their way";
constexpr std::string_view kOwned = "the sink needs its own value";

constexpr std::array kRefused{
    Refused{"acks", kReports},
    Refused{"request.required.acks", kReports},
    Refused{"enable.idempotence", "it would repeat and reorder events"},
    Refused{"message.timeout.ms",
            "messages would be given up; events wait for as long as it takes"},
    Refused{"delivery.timeout.ms",
            "messages would be given up; events wait for as long as it takes"},
    Refused{"retries", "messages would be given up; events wait for as long as it takes"},
    Refused{"message.send.max.retries",
            "messages would be given up; events wait for as long as it takes"},
    Refused{"enable.gapless.guarantee", "one refused message would end the producer"},
    Refused{"queuing.strategy", "it would reorder events"},
    Refused{"queue.buffering.max.messages", kMemory},
    Refused{"queue.buffering.max.kbytes", kMemory},
    Refused{"max.in.flight", "more than 5 would reorder events, and fewer are never needed"},
    Refused{"max.in.flight.requests.per.connection",
            "more than 5 would reorder events, and fewer are never needed"},
    Refused{"delivery.report.only.error", kReports, true},
    Refused{"produce.offset.report", kReports, true},
    Refused{"transactional.id", "the sink does not use transactions", true},
    Refused{"transaction.timeout.ms", "the sink does not use transactions", true},
    Refused{"log.queue", kOwned, true},
    Refused{"opaque", kOwned, true},
    Refused{"interceptors", kOwned, true},
    Refused{"bootstrap.servers", "say `brokers`", true},
    Refused{"metadata.broker.list", "say `brokers`", true},
};

// What the sink rests on; `options` come later and may change what is not refused.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kDefaults{{
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {"message.timeout.ms", "0"},
    // Java's default, so that the same key meets its neighbours whoever produces it.
    {"partitioner", "murmur2_random"},
    // Never full: events are counted against memory_limit long before.
    {"queue.buffering.max.messages", "0"},
    {"queue.buffering.max.kbytes", "2147483647"},
    // The broker says what is too large; what is compressed may be larger than the limit here.
    {"message.max.bytes", "1000000000"},
    {"client.id", "tailgate"},
    {"log.connection.close", "false"},
}};

bool is_secret(std::string_view property) {
  return property.ends_with("password") || property.ends_with("secret") ||
         property == "ssl.key.pem" || property == "sasl.oauthbearer.config";
}

bool read_tls(const settings::Section& options, KafkaSettings& out) {
  const settings::Section tls(options.node("tls"), kKafkaTlsOptions, options.problems());
  const std::pair<std::string_view, std::string_view> files[] = {
      {"ca_file", "ssl.ca.location"},
      {"cert_file", "ssl.certificate.location"},
      {"key_file", "ssl.key.location"}};
  bool fine = true;
  for (const auto& [name, property] : files) {
    std::string path = settings::readable_file(tls, name);
    fine = fine && tls.given(name) != path.empty();
    if (!path.empty()) out.properties.emplace_back(property, std::move(path));
  }
  if (tls.given("cert_file") != tls.given("key_file")) {
    tls.problem(tls.given("cert_file") ? "cert_file" : "key_file",
                "cert_file and key_file go together");
    fine = false;
  }
  if (!tls.flag("verify")) {
    out.properties.emplace_back("enable.ssl.certificate.verification", "false");
    tls.problems().warn(tls.node("verify"),
                        "the brokers' certificates are not checked: anybody can read the events");
  }
  return fine;
}

void read_sasl(const settings::Section& options, KafkaSettings& out) {
  const settings::Section sasl(options.node("sasl"), kKafkaSaslOptions, options.problems());
  const std::string mechanism = sasl.text("mechanism");
  out.scram = mechanism.starts_with("SCRAM");
  out.properties.emplace_back("sasl.mechanisms", mechanism);
  out.properties.emplace_back("sasl.username", sasl.text("username"));
  out.properties.emplace_back("sasl.password", sasl.text("password"));
  if (!options.node("tls").given() && mechanism == "PLAIN") {
    sasl.problems().warn(sasl.self(),
                         "the password goes over the network in the clear; add `tls: {}`");
  }
}

bool read_protocol(const settings::Section& options, KafkaSettings& out) {
  const bool tls = options.node("tls").given();
  const bool sasl = options.node("sasl").given();
  const bool fine = !tls || read_tls(options, out);
  if (sasl) read_sasl(options, out);
  if (tls || sasl) {
    out.properties.emplace_back("security.protocol",
                                sasl ? (tls ? "sasl_ssl" : "sasl_plaintext") : "ssl");
  }
  return fine;
}

/// Says of one property what is wrong with it. A file or a combination is judged later, by check().
bool may_be_set(const settings::Node& key, const settings::Node& value, bool unsafe,
                settings::Problems& problems) {
  const std::string& name = key.text();
  if (const std::string_view why = refused_property(name, unsafe); !why.empty()) {
    const bool insists = refused_property(name, true).empty();
    problems.add(key, fmt::format("{}{}", why, insists ? " (unsafe_options: true to insist)" : ""));
    return false;
  }
  const std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)> conf(
      rd_kafka_conf_new(), &rd_kafka_conf_destroy);
  std::array<char, 512> why{};
  const rd_kafka_conf_res_t answer =
      rd_kafka_conf_set(conf.get(), name.c_str(), value.text().c_str(), why.data(), why.size());
  if (answer == RD_KAFKA_CONF_OK) return true;
  problems.add(answer == RD_KAFKA_CONF_UNKNOWN ? key : value, why.data());
  return false;
}

bool read_properties(const settings::Section& options, KafkaSettings& out) {
  const bool unsafe = options.flag("unsafe_options");
  bool fine = true;
  const settings::Node map = options.node("options");
  for (const auto& [key, value] : map.members()) {
    if (!value.is_scalar() || !may_be_set(key, value, unsafe, options.problems())) {
      fine = false;
      continue;
    }
    const std::string& name = key.text();
    const std::string& text = value.text();
    if (name == "batch.size") {
      // Given to each producer on its own: the topic's limit may ask for less.
      std::from_chars(text.data(), text.data() + text.size(), out.batch_size);
      continue;
    }
    if (name == "sasl.mechanism" || name == "sasl.mechanisms")
      out.scram = text.starts_with("SCRAM");
    out.properties.emplace_back(name, text);
  }
  return fine;
}

void read_topic(const settings::Section& options, KafkaSettings& out) {
  out.topic = options.text("topic");
  const auto topic = Template::parse(out.topic);
  if (!topic) {
    options.problem("topic", topic.error().what);
    return;
  }
  out.constant_topic = topic->constant();
  if (!out.constant_topic && !options.given("topics")) {
    options.problems().warn(options.node("topic"),
                            "whoever fills its fields can name any topic; add `topics`");
  }
}

/// Sets every property and starts a producer that knows no broker: librdkafka loads the certificates and checks what
/// goes together only then.
std::string check(const KafkaSettings& settings) {
  KafkaSettings apart = settings;
  apart.brokers.clear();
  auto client = KafkaClient::open(apart, kDefaultBatchSize);
  return client ? std::string() : client.error().what;
}

}  // namespace

std::string KafkaSettings::without_secrets(std::string text) const {
  for (const std::string& secret : secrets) {
    for (std::size_t at = text.find(secret); at != std::string::npos;
         at = text.find(secret, at + 3)) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

std::string_view refused_property(std::string_view name, bool unsafe) {
  if (name.ends_with("_cb")) return kOwned;
  const auto* const found = std::ranges::find(kRefused, name, &Refused::name);
  return found != kRefused.end() && (found->always || !unsafe) ? found->why : std::string_view();
}

std::optional<KafkaSettings> read_kafka_settings(const settings::Section& options) {
  KafkaSettings out;
  for (const auto& [name, value] : kDefaults) out.properties.emplace_back(name, value);
  for (const std::string& broker : options.texts("brokers")) {
    if (broker.empty()) continue;  // said by its place
    const bool has_port = broker.find(':') != std::string::npos && !broker.ends_with(']');
    const auto address = settings::Address::parse(has_port ? broker : broker + ":9092");
    if (!address.has_value() || address->port == 0) {
      options.problem("brokers",
                      address.has_value()
                          ? fmt::format("\"{}\": a broker's port is from 1 to 65535", broker)
                          : address.error().what);
    }
    out.brokers.append(out.brokers.empty() ? "" : ",").append(broker);
  }
  out.headers = options.given("headers");
  read_topic(options, out);
  bool fine = read_protocol(options, out);
  out.properties.emplace_back("linger.ms", std::to_string(options.duration("linger").count()));
  out.properties.emplace_back("compression.type", options.text("compression"));
  fine = read_properties(options, out) && fine;
  for (const auto& [name, value] : out.properties) {
    if (is_secret(name) && !value.empty()) out.secrets.push_back(value);
  }
  // What is wrong elsewhere is no reason to say less of this sink.
  if (fine) {
    if (std::string wrong = check(out); !wrong.empty()) {
      options.problems().add(options.self(), std::move(wrong));
    }
  }
  if (options.problems().any()) return std::nullopt;
  return out;
}

std::size_t batch_size_for(const KafkaSettings& settings, std::size_t limit) {
  const std::size_t wanted = settings.batch_size == 0 ? kDefaultBatchSize : settings.batch_size;
  return std::max<std::size_t>(1, std::min(wanted, limit / 10 * 9 + limit % 10 * 9 / 10));
}

}  // namespace tailgate::sinks
