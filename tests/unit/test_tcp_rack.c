/* test_tcp_rack.c - losses found by time, and probes for lost tails, row by row: RFC 8985 6 and 7. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_play.h"

#define RENO .cc = TCP_CC_NEWRENO

/* RTT 100 ms: the reordering window is 25 ms at first. */
static const struct play rows[] = {
    /* --- 6.2 step 4 and 5: how long to wait --- */
    {"three segments reported: at once", "s 10; > 1-10; w 100; a 0 2-4; > 1; ? fast 1", RENO},
    {"three reports: at once", "s 10; > 1-10; w 100; a 0 2-2; a 0 2-3; > ; a 0 2-4; > 1", RENO},
    {"three reports of less than segments",
     "s 10; > 1-10; w 100; a 0 @1001-1101; a 0 @1001-1201; > ; a 0 @1001-1301; > 1", RENO},
    {"one report: a quarter of the smallest RTT",
     "s 10; > 1-10; w 100; a 0 2-2; w 24; > ; w 2; > 1; ? fast 1; ? rto 0", RENO},
    {"two: the same", "s 10; > 1-10; w 100; a 0 2-3; w 24; > ; w 2; > 1; ? rto 0", RENO},
    {"it was reordering", "s 10; > 1-10; w 100; a 0 2-3; w 20; a 3; w 20; > ; a 10; ? rexmt 0",
     RENO},
    {"what left before, only",
     "s 2; > 1-2; w 10; s 2; > 3-4; w 100; a 0 2-2; w 10; > ; w 18; > 1; ? pipe 3000", RENO},
    {"what left later is not touched",
     "s 1; > 1; w 50; s 3; > 2-4; w 100; a 0 2-2; > 1; ? lost 0; ? pipe 3000", RENO},
    {"a tail of the same burst is not",
     "s 10; > 1-10; w 100; a 0 2-4; > 1; ? pipe 7000; ? lost 0; w 25; ? rexmt 1", RENO},
    {"small RTT, small window",
     "s 2; w 4; a 2; s 10; > 1-12; w 4; a 2 4-4; w 0.9; ? rexmt 0; w 0.3; ? rexmt 1; > 3", RENO},
    /* --- reordering seen: then the number of reports does not count --- */
    {"reordering is remembered",
     "s 20; > 1-10; w 100; a 0 3-3; > 11; a 3; > 12-15; w 100; a 3 5-8; ? rexmt 0; w 24; ? rexmt "
     "0; w 2; ? rexmt 1",
     RENO},
    {"reordering within a flight costs nothing",
     "s 40; > 1-10; w 100; a 0 3-3; a 3; w 100; a 3 5-6; a 3 5-8; a 3 5-10; w 20; a 10; w 10; ? "
     "rexmt 0",
     RENO},
    {"a duplicate reported doubles the wait",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; w 50; a 10 1-1; ? dsack 1; ? mult 2; s 10; w 100; ? "
     "rexmt 1",
     RENO},
    {"once a round trip only",
     "s 10; w 100; a 0 2-10; a 9 1-1; a 9 2-2; a 9 3-3; ? mult 2; ? dsack 3", RENO},
    {"again in the next one",
     "s 20; > 1-10; w 100; a 4; > 11-16; a 4 1-1; ? mult 2; w 100; a 16; a 16 2-2; ? mult 3", RENO},
    {"the wait is SRTT at most",
     "s 40; w 100; a 2; a 2 1-1; w 100; a 12; a 12 2-2; w 100; a 16; a 16 3-3; w 100; a 24; a 24 "
     "4-4; w 100; a 30; a 30 5-5; w 100; a 33; a 33 6-6; ? rexmt 0",
     RENO},
    /* --- retransmissions --- */
    {"a retransmission that is lost is found by what left after it",
     "s 30; > 1-10; w 100; a 0 2-10; > 1 11-14; w 100; a 0 2-14; > 1 15-18; ? rto 0; w 100; a 18; "
     "? rec 0",
     RENO},
    {"three times",
     "s 60; > 1-10; w 100; a 0 2-10; > 1 11-14; w 100; a 0 2-14; > 1 15-18; w 100; a 0 2-18; > 1 "
     "19-22; ? rto 0; ? fast 1; w 100; a 22; ? rec 0",
     RENO},
    {"an ACK too soon for the copy is for the first one",
     "s 10; > 1-10; w 100; a 0 2-4; > 1; w 10; a 4; ? rexmt 1; ? pipe 6000; w 89; ? rexmt 1", RENO},
    {"an echo older than the copy says the same",
     "s 10; > 1-10; w 100; a 0 2-4; > 1; w 120; t 220; a 4 6-6; ? undo 1; ? rexmt 1", RENO,
     .timestamps = true},
    /* --- 6.3: the timeout --- */
    {"a timeout takes what had time enough",
     "s 4; > 1-4; w 201; > 4; w 280; s 2; > 5-6; w 30; > 1; ? rto 1; ? lost 3000; ? pipe 3000",
     RENO},
    {"and no more",
     "s 2; > 1-2; w 150; s 2; > 3-4; w 60; ? tlp 0; w 300; ? tlp 1; ? rto 0; w 100; ? rto 1", RENO},
    /* --- 7.2: when the probe is sent --- */
    {"two segments: two RTT", "s 2; > 1-2; w 199; > ; w 2; > 2; ? tlp 1; ? rto 0", RENO},
    {"one segment: a delayed ACK more, but RTO at the latest",
     "s 1; > 1; w 299; > ; w 2; > 1; ? tlp 1; ? rto 0; ? cwnd 10000", RENO},
    {"octets that fit into one segment are one",
     "o 500; w 1; o 400; > @1+500; w 298; > ; w 2; > @501+400; ? tlp 1", RENO},
    {"anew with each ACK", "s 4; > 1-4; w 150; a 2; w 199; > ; w 40; > 4", RENO},
    {"new octets instead of old ones",
     "v 2000; a 0; s 3; > 1-2; v 3000; w 100; a 0; > 3; w 199; > ; w 2; > 3; ? tlp 1", RENO},
    {"what Nagle holds back is a probe",
     "s 2; o 300; > 1-2; w 201; > @2001+300; ? tlp 1; a 2; A 2301; ? pipe 0", RENO},
    {"the last segment as it was cut", "s 2; x; > 1-2 @2001+0F; w 201; > @2001+0F; ? tlp 1", RENO},
    {"one only, then the timeout", "s 2; > 1-2; w 201; > 2; w 298; > ; w 2; > 1; ? rto 1; ? tlp 1",
     RENO},
    {"not a second one before RTT was measured",
     "s 1; > 1; w 301; > 1; w 20; a 1; s 2; > 2-3; w 250; > ; ? tlp 1; w 60; > 2; ? rto 1", RENO},
    {"after that again",
     "s 2; > 1-2; w 201; > 2; w 50; a 2; s 2; > 3-4; w 100; a 4; s 2; > 5-6; w 290; > 6; ? tlp 2",
     RENO},
    {"not while something is reported", "s 10; > 1-10; w 100; a 0 2-2; w 26; > 1; w 200; ? tlp 0",
     RENO},
    {"not in recovery", "s 10; > 1-10; w 100; a 0 2-4; > 1; w 240; ? tlp 0; ? rexmt 1", RENO},
    {"not with a shut window", "v 0; a 0; s 2; w 250; ? tlp 0; ? probes 0", RENO},
    {"not beyond a window that has shrunk",
     "s 2; > 1-2; v 1500; w 50; a 0; w 200; > ; ? tlp 0; w 300; > 1; ? rto 1", RENO},
    /* --- 7.4: what the ACK of the probe says --- */
    {"the tail was lost: RACK repairs the rest",
     "s 4; > 1-4; w 100; a 1; w 200; > 4; w 100; a 1 4-4; > 2; ? fast 1; w 100; a 2 4-4; > 3; ? "
     "rto 0",
     RENO},
    {"only the probed segment was lost: the window pays for it",
     "s 4; > 1-4; w 100; a 3; w 310; > 4; w 100; a 4; s 1; > 5; w 100; a 5; ? ssthresh 2000; ? tlp "
     "1; ? rto 0",
     RENO},
    {"nothing was lost: the duplicate is reported",
     "s 4; > 1-4; w 100; a 3; w 310; > 4; w 10; a 4; w 90; a 4 4-4; s 2; w 100; a 5; ? ssthresh "
     "4294967295",
     RENO},
    {"nothing was lost: a plain duplicate ACK",
     "s 4; > 1-4; w 100; a 3; w 310; > 4; w 10; a 4; w 90; d; s 2; w 100; a 5; ? ssthresh "
     "4294967295",
     RENO},
    {"a probe of new octets needs no answer",
     "s 2; o 300; > 1-2; w 201; > @2001+300; w 100; A 2301; s 2; w 100; A 3301; ? ssthresh "
     "4294967295",
     RENO},
    {"a duplicate that a probe has caused does not widen RACK's window",
     "s 4; > 1-4; w 100; a 3; w 310; > 4; w 10; a 4 4-4; ? dsack 1; ? pipe 0; s 1; ? mult 1", RENO},
    {"a timeout ends it",
     "s 2; > 1-2; w 201; > 2; w 300; > 1; a 2; s 1; > 3; w 100; a 3; ? ssthresh 2000", RENO},
};

int
main(void)
{
	return play_all(rows, N_OF(rows));
}
