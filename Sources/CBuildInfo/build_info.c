#include "build_info.h"

// Package.swift passes it on from the environment: SwiftPM keeps what it read of a manifest, and would go on naming an
// old commit if it were asked for the repository's.
#ifndef DAILIES_COMMIT
#define DAILIES_COMMIT ""
#endif

const char *dailies_build_commit(void) { return DAILIES_COMMIT; }
