// SPDX-License-Identifier: Apache-2.0
#include "settings/doc_view.h"

#include <algorithm>

namespace tailgate::settings {

DocView DocView::of(const std::vector<const SectionDoc*>& parts) {
  DocView view;
  for (const SectionDoc* part : parts) {
    for (const SectionDoc& child : part->children) {
      if (view.child(child.name) == nullptr) view.children.push_back(&child);
    }
  }
  for (const SectionDoc* part : parts) {
    for (const Option& option : part->options) {
      if (view.option(option.name) == nullptr && view.child(option.name) == nullptr)
        view.options.push_back(&option);
    }
  }
  return view;
}

const Option* DocView::option(std::string_view name) const {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const Option* option) { return option->name == name; });
  return found != options.end() ? *found : nullptr;
}

const SectionDoc* DocView::child(std::string_view name) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const SectionDoc* child) { return child->name == name; });
  return found != children.end() ? *found : nullptr;
}

const SectionDoc& resolved(const SectionDoc& doc, const SectionDoc& root) {
  if (doc.same_as.empty()) return doc;
  const auto found =
      std::find_if(root.children.begin(), root.children.end(),
                   [&](const SectionDoc& child) { return child.name == doc.same_as; });
  return found != root.children.end() ? *found : doc;
}

}  // namespace tailgate::settings
