// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "settings/options.h"

namespace tailgate::sinks {

inline constexpr std::array kKafkaTlsOptions{
    settings::Option{.name = "ca_file",
                     .summary = "PEM file with the authorities to trust; the system's by default."},
    settings::Option{.name = "cert_file", .summary = "PEM file with the client's certificate."},
    settings::Option{.name = "key_file", .summary = "PEM file with the client's private key."},
    settings::Option{.name = "verify",
                     .type = settings::Type::boolean,
                     .default_text = "true",
                     .summary = "Check the brokers' certificates."},
};

inline constexpr std::array kKafkaSaslOptions{
    settings::Option{.name = "mechanism",
                     .type = settings::Type::choice,
                     .default_text = "PLAIN",
                     .summary = "How to log in.",
                     .choices = "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512"},
    settings::Option{.name = "username", .summary = "The user.", .required = true},
    settings::Option{
        .name = "password", .summary = "The password.", .required = true, .secret = true},
};

inline constexpr std::array kKafkaOptions{
    settings::Option{.name = "brokers",
                     .type = settings::Type::text_or_list,
                     .summary = "Where to begin: `host:port`, one or several.",
                     .required = true},
    settings::Option{
        .name = "topic",
        .type = settings::Type::text_template,
        .summary =
            "The topic, constant or with fields of the event: `staging.{meta.stream|unknown}`.",
        .required = true},
    settings::Option{.name = "topics",
                     .type = settings::Type::text_or_list,
                     .summary =
                         "What a template may yield, with `*` and `?`; events for other topics are "
                         "dead letters."},
    settings::Option{.name = "key",
                     .type = settings::Type::text_template,
                     .summary = "The message key; an event without the field gets none."},
    settings::Option{.name = "headers",
                     .type = settings::Type::text_map,
                     .summary = "Message headers: name to template."},
    settings::Option{.name = "tls",
                     .type = settings::Type::any,
                     .summary = "TLS: `{ca_file, cert_file, key_file, verify}`; `{}` turns it on."},
    settings::Option{
        .name = "sasl",
        .type = settings::Type::any,
        .summary = "Log in: `{mechanism: PLAIN|SCRAM-SHA-256|SCRAM-SHA-512, username, password}`."},
    settings::Option{
        .name = "linger",
        .type = settings::Type::duration,
        .default_text = "5ms",
        .summary = "How long a message waits for others to share a request (linger.ms)."},
    settings::Option{.name = "compression",
                     .type = settings::Type::choice,
                     .default_text = "none",
                     .summary = "How message batches are compressed (compression.type).",
                     .choices = "none|gzip|snappy|lz4|zstd"},
    settings::Option{
        .name = "options",
        .type = settings::Type::text_map,
        .summary = "Any librdkafka property but those that would falsify delivery reports."},
    settings::Option{.name = "unsafe_options",
                     .type = settings::Type::boolean,
                     .default_text = "false",
                     .summary =
                         "Lets `options` hold what would falsify delivery reports or their order: "
                         "events may be lost."},
};

}  // namespace tailgate::sinks
