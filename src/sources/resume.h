// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/handle.h"
#include "core/stream.h"
#include "sources/discovery.h"
#include "state/store.h"

namespace tailgate::sources {

/// A record whose file was found again.
struct Resumed {
  state::Checkpoint record;
  Found file;
  Handle handle;
};

struct ResumePlan {
  std::vector<Resumed> resumed;               // in the order of the records
  std::vector<state::Checkpoint> unreadable;  // their files are there, and cannot be opened now
  std::vector<state::Checkpoint> lost;        // nothing holds their bytes any more
};

/// Finds the files of an earlier run's records: first by identity, where the content matches too
/// (else the inode was reused, or the file truncated); then, in the folder of the record's path,
/// exactly one file with that content that no other record owns. Its name need not match any
/// pattern. Where the path is a link, its target's folder is searched too.
ResumePlan plan_resume(std::vector<state::Checkpoint> records, const std::vector<Found>& found);

/// Where each of `sinks` goes on. One that the record does not know begins where the slowest known
/// one stands: what was settled before it existed is not owed to it.
std::vector<SinkPosition> positions_for(const state::Checkpoint& record,
                                        const std::vector<std::string>& sinks);

Handle open_to_read(const std::string& path);

/// The file that was found, and no other: one that was renamed since is looked for in its folder, and `file` gets the
/// name it has now. Invalid when it is gone.
Handle open_found(Found& file);

/// The same for a file that stays open: it leaves some descriptors to sinks, to the state and to the admin server. Without
/// one to spare: invalid, and errno is EMFILE.
Handle open_to_follow(Found& file);

}  // namespace tailgate::sources
