// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/codec.h"
#include "settings/options.h"

namespace tailgate::codecs {

/// `options` are those of the sink that the codec writes for.
struct Entry {
  std::string_view name;
  std::unique_ptr<Codec> (*make)(const settings::Section& options);
};

/// Every codec there is.
std::span<const Entry> table();

}  // namespace tailgate::codecs
