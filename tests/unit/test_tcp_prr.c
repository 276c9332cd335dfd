/* test_tcp_prr.c - how much leaves for each ACK in fast recovery, row by row: RFC 6937, 9937. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_play.h"

#define RENO  .cc = TCP_CC_NEWRENO
#define CUBIC .cc = TCP_CC_CUBIC

/* Ten in flight: ssthresh is 5 with NewReno, 7 with CUBIC. */
static const struct play rows[] = {
    /* 3 arrived, of 10: 1.5 may leave; half of what arrives until 5 are in flight, then one for one. */
    {"proportional, down to ssthresh",
     "s 60; > 1-10; w 100; a 0 2-4; ? pipe 7000; > 1; a 0 2-5; > 11; a 0 2-6; > ; a 0 2-7; > ; a 0 "
     "2-8; > 12; a 0 2-9; > 13; a 0 2-10; > 14; ? pipe 5000",
     RENO},
    {"the same with CUBIC",
     "s 60; > 1-10; w 100; a 0 2-4; > 1; ? pipe 7000; a 0 2-5; > 11; a 0 2-6; > 12; a 0 2-7; > 13; "
     "? pipe 7000",
     CUBIC},
    {"at the end ssthresh segments are out",
     "s 60; > 1-10; w 100; a 0 2-10; > 1 11-14; ? pipe 5000; w 100; a 10; > 15; ? rec 0; ? cwnd "
     "5000; ? pipe 5000",
     RENO},
    {"a stretch of reports", "s 60; > 1-10; w 100; a 0 2-6; > 1; ? cwnd 5000; ? pipe 5000", RENO},
    {"one by one", "s 60; > 1-10; w 100; a 0 2-2; > 11; a 0 2-3; > 12; a 0 2-4; > 1", RENO},
    /* Below ssthresh: as many as arrive, and one more while the left edge moves. */
    {"heavy loss: conservation, then slow start's bound",
     "s 60; > 1-10; w 100; a 0 10-10; > 11; w 26; > 1; w 74; a 1 10-11; > 2-4; w 100; a 2 10-11; > "
     "5-6; a 3 10-11; > 7-8; ? rto 0",
     RENO},
    {"not while more is found lost",
     "s 60; > 1-10; w 100; a 0 8-10; > 1-3; ? pipe 3000; ? rexmt 3; w 100; a 0 8-10 2-2; > 1; ? "
     "pipe 2000",
     RENO},
    {"nothing arrived, nothing leaves",
     "s 60; > 1-10; w 100; a 0 2-4; > 1; d; d; d; d; d; > ; ? pipe 7000", RENO},
    {"what is known already is nothing",
     "s 60; > 1-10; w 100; a 0 2-4; > 1; a 0 2-4; a 0 2-4; a 0 3-4; >", RENO},
    {"a report of few octets is few octets",
     "s 60; > 1-10; w 100; a 0 2-4; > 1; a 0 2-4 @5001-5011; a 0 2-4 @5001-5021; a 0 2-4 "
     "@5001-5031; > ",
     RENO},
    {"the first retransmission leaves whatever is in flight",
     "s 60; > 1-10; w 100; a 0 @1001-1011; a 0 @1001-1021; > ; a 0 @1001-1031; > 1", RENO},
    {"by the timer of reordering, too", "s 10; > 1-10; w 100; a 0 2-2; w 26; > 1; ? pipe 9000",
     RENO},
    {"nothing new to send: repaired all the same",
     "s 10; > 1-10; w 100; a 0 2-4 6-8; > 1 5; a 0 2-4 6-9; a 0 2-4 6-10; > ; ? rexmt 2; w 100; a "
     "10; ? rec 0; ? cwnd 5000",
     RENO},
    {"the user writes during recovery",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; s 20; > 11-14; ? pipe 5000", RENO},
    {"two in flight",
     "s 2; > 1-2; w 100; a 0 2-2; w 26; > 1; ? ssthresh 2000; w 100; a 2; ? rec 0; ? cwnd 2000",
     RENO},
    {"the window of the peer rules",
     "v 10000; a 0; s 60; > 1-10; w 100; a 0 2-10; > 1; ? pipe 1000; w 100; a 10; > 11-15; ? cwnd "
     "5000",
     RENO},
    {"CUBIC's window after it",
     "s 60; > 1-10; w 100; a 0 2-10; > 1 11-16; w 100; a 10; ? cwnd 7000; ? ssthresh 7000; ? pipe "
     "7000",
     CUBIC},
};

int
main(void)
{
	return play_all(rows, N_OF(rows));
}
