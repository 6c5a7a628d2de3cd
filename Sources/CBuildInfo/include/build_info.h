#ifndef DAILIES_BUILD_INFO_H
#define DAILIES_BUILD_INFO_H

/// The commit that the program was built from, as whoever built it said; empty where nobody did.
const char *dailies_build_commit(void);

#endif
