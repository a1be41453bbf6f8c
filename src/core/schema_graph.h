// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/schema.h"

namespace tailgate {

/// The nodes of one schema and who owns them. Made by compile() at start, never changed afterwards.
struct Schema::Graph {
  std::vector<std::unique_ptr<Node>> nodes;
  const Node* root = nullptr;

  /// False: `problems` says what could not be understood, and where.
  bool compile(const settings::Node& document, settings::Problems& problems);
};

}  // namespace tailgate
