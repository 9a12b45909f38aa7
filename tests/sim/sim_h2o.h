/* sim_h2o.h - <h2o.h> for its own event loop: without this the header asks for libuv. */
#ifndef TESTS_SIM_H2O_H
#define TESTS_SIM_H2O_H

#ifndef H2O_USE_LIBUV
#define H2O_USE_LIBUV 0
#endif
#include <h2o.h>

#endif
