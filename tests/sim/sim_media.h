/* sim_media.h - the pictures and sounds that there are. Threads: pure. */
#ifndef TESTS_SIM_MEDIA_H
#define TESTS_SIM_MEDIA_H

#include "tests/sim/sim_text.h"

/* One grey pixel as a PNG, in base64 without quotes. */
void sim_media_png_base64(struct sim_text *text);
/* One silent frame of MPEG audio layer 3. */
void sim_media_mp3(struct sim_text *text);

#define SIM_VIDEO_URL "https://example.invalid/simulated.mp4"

#endif
