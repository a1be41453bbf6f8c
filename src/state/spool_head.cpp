// SPDX-License-Identifier: Apache-2.0
#include "state/spool_head.h"

#include <cstring>

#include "base/checksum.h"

namespace tailgate::state {
namespace {

constexpr std::size_t kTextBytes = 900;

struct HeadNumbers {
  std::int64_t input, first_row;
  std::uint64_t offset, line_open, inflated, source_bytes, identity_bytes;
};
static_assert(kHeadMagic.size() + sizeof(Uuid) + sizeof(HeadNumbers) + 2 * kTextBytes + 8 <=
              kHeadSlotBytes);

}  // namespace

std::string head_slot(const SpoolSegment::Head& head) {
  const std::string source = head.source.substr(0, kTextBytes);
  const std::string identity = head.identity.substr(0, kTextBytes);
  const HeadNumbers numbers{
      head.input,    head.first_row, head.offset, head.line_open ? 1U : 0U, head.inflated ? 1U : 0U,
      source.size(), identity.size()};
  std::string slot(kHeadMagic);
  slot.append(reinterpret_cast<const char*>(head.gen.bytes.data()), head.gen.bytes.size());
  slot.append(reinterpret_cast<const char*>(&numbers), sizeof numbers);
  slot.append(source).append(identity);
  slot.resize(kHeadSlotBytes - sizeof(std::uint64_t));
  const std::uint64_t sum = checksum(slot);
  slot.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  return slot;
}

bool sound_slot(std::string_view slot) {
  std::uint64_t sum = 0;
  if (slot.size() != kHeadSlotBytes ||
      !slot.starts_with(kHeadMagic.substr(0, kHeadMagic.size() - 1)))
    return false;
  std::memcpy(&sum, slot.data() + slot.size() - sizeof sum, sizeof sum);
  return sum == checksum(slot.substr(0, slot.size() - sizeof sum));
}

SpoolSegment::Head read_slot(std::string_view slot) {
  SpoolSegment::Head head;
  HeadNumbers numbers{};
  slot.remove_prefix(kHeadMagic.size());
  std::memcpy(head.gen.bytes.data(), slot.data(), head.gen.bytes.size());
  slot.remove_prefix(head.gen.bytes.size());
  std::memcpy(&numbers, slot.data(), sizeof numbers);
  slot.remove_prefix(sizeof numbers);
  head.input = numbers.input;
  head.first_row = numbers.first_row;
  head.offset = numbers.offset;
  head.line_open = numbers.line_open != 0;
  head.inflated = numbers.inflated != 0;
  head.source = slot.substr(0, numbers.source_bytes);
  head.identity = slot.substr(numbers.source_bytes, numbers.identity_bytes);
  return head;
}

}  // namespace tailgate::state
