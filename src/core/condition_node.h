// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <vector>

#include "core/condition.h"

namespace tailgate {

/// A path or a constant in a condition.
struct Operand {
  bool is_path = false;
  json::Path path;
  json::Kind kind = json::Kind::null;  // of a constant
  std::string text;                    // a string decoded; a number as it is written
  std::size_t at = 0;                  // where it begins in the condition's text
};

/// The tree of a condition; built by condition_parse.cpp, walked by condition.cpp.
struct Condition::Node {
  enum class What { all, any, negation, exists, equal, less, less_equal, one_of, matches };

  What what = What::all;
  std::vector<std::unique_ptr<Node>> children;  // all, any, negation
  Operand left;  // of a comparison; a path for exists, one_of, matches
  Operand right;
  std::vector<Operand> list;     // of one_of
  std::unique_ptr<RE2> pattern;  // of matches
};

}  // namespace tailgate
