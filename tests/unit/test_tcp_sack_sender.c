/* test_tcp_sack_sender.c - recovery with SACK, row by row: RFC 6675, 2018, 2883, 5681. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_play.h"

/* NewReno, so that ssthresh is a half. What is sent in recovery is PRR's to say: test_tcp_prr.c has its arithmetic. */
#define RENO .cc = TCP_CC_NEWRENO

static const struct play rows[] = {
    /* --- which segments are sent again --- */
    {"nothing lost", "s 20; > 1-10; a 2; > 11-14; a 4; > 15-18; ? rexmt 0; ? pipe 14000", RENO},
    {"one hole", "s 20; > 1-10; w 100; a 0 2-4; > 1 ; ? fast 1; ? ssthresh 5000; ? rexmt 1", RENO},
    {"two holes", "s 10; > 1-10; w 100; a 0 2-4 6-10; > 1 5; ? lost 0; ? rexmt 2", RENO},
    {"holes of 1, 4, 7 (F4)",
     "s 10; > 1-10; w 100; a 0 2-3 5-6; > 1 ; a 0 2-3 5-6 8-10; > 4 7; ? rexmt 3; w 100; a 10; ? "
     "rec 0; ? rexmt 3; ? rto 0",
     RENO},
    {"no hole twice, however often it is reported",
     "s 10; > 1-10; w 100; a 0 2-4; > 1; a 0 2-5; a 0 2-6; a 0 2-7; a 0 2-8; a 0 2-9; a 0 2-10; > "
     "; ? rexmt 1",
     RENO},
    {"the hole at the front of several", "s 10; > 1-10; w 100; a 0 4-10; > 1-3; ? rexmt 3", RENO},
    {"a partial ACK needs no new signal",
     "s 10; > 1-10; w 100; a 0 3-5 7-10; > 1-2 6; w 50; a 2; ? rec 1; w 50; a 10; ? rec 0; ? rexmt "
     "3",
     RENO},
    {"reports in pieces",
     "s 10; > 1-10; w 100; a 0 @1001-1501; a 0 @1001-2001; a 0 @1001-4001; > 1; ? rexmt 1", RENO},
    {"half a segment is missing", "s 10; > 1-10; w 100; A 501 2-4; > @501+500; ? rexmt 1", RENO},
    {"new octets after what is lost",
     "s 30; > 1-10; w 100; a 0 2-4; > 1; a 0 2-10; > 11-14; w 100; a 10; > 15 ; ? rec 0; ? cwnd "
     "5000",
     RENO},
    {"small segments are joined when they are sent again",
     "o 100; w 100; ? rexmt 0; a 0; o 100; o 100; > @1+100; A 101; > @101+200; w 5000; ? rto 4; A "
     "301; ? pipe 0",
     RENO},
    /* --- limited transmit comes by itself: what is reported has left the network --- */
    {"new segments for the first reports", "s 20; > 1-10; w 100; a 0 2-2; > 11; a 0 2-3; > 12",
     RENO},
    {"but not beyond the window", "v 10500; a 0; s 20; > 1-10; w 100; a 0 2-2; > ; a 0 2-3; >",
     RENO},
    /* --- blocks that say nothing, or lie --- */
    {"beyond what was sent",
     "s 10; > 1-10; w 100; a 0 11-12; a 0 12-99; a 0 9-11; > ; ? bad 3; ? pipe 10000", RENO},
    {"before the ACK, and not a duplicate",
     "s 10; > 1-10; w 100; a 4; > ; a 4 @3001-4501; ? bad 1; ? pipe 6000", RENO},
    {"inverted", "s 10; > 1-10; w 100; a 0 @4001-2001; ? bad 1; ? pipe 10000; >", RENO},
    {"empty", "s 10; > 1-10; w 100; a 0 @4001-4001; ? bad 1; ? pipe 10000; >", RENO},
    {"half the space away",
     "s 10; > 1-10; w 100; a 0 @2147483647-2147483900; ? bad 1; ? pipe 10000; >", RENO},
    {"overlapping", "s 10; > 1-10; w 100; a 0 2-4 3-5 4-6; > 1; ? rexmt 1; ? bad 0; ? pipe 5000",
     RENO},
    {"the same four times", "s 10; > 1-10; w 100; a 0 2-2 2-2 2-2 2-2; > ; ? pipe 9000; ? dsack 1",
     RENO},
    {"everything", "s 10; > 1-10; w 100; a 0 2-10; > 1; w 100; a 10; ? rexmt 1; ? rec 0; ? pipe 0",
     RENO},
    {"even the first",
     "s 10; > 1-10; w 100; a 0 1-10; > ; ? pipe 0; w 300; ? reneged 1; > 1; ? lost 9000", RENO},
    {"with nothing in flight", "a 0 1-3; a 0 @4294967295-1; ? bad 0; s 1; > 1", RENO},
    {"an old ACK", "s 10; > 1-10; w 100; a 5; > ; a 3 8-10; > ; ? pipe 5000", RENO},
    /* --- duplicates reported (RFC 2883) --- */
    {"below the ACK", "s 10; > 1-10; w 100; a 4; a 4 2-2; ? dsack 1; ? bad 0; ? pipe 6000; >",
     RENO},
    {"inside of another block", "s 10; > 1-10; w 100; a 4 7-7 6-8; ? dsack 1; ? pipe 3000", RENO},
    {"a part of a segment", "s 10; > 1-10; w 100; a 4 @3001-3101; ? dsack 1; ? bad 0; ? pipe 6000",
     RENO},
    /* --- timeouts --- */
    {"what was reported is not sent again (RFC 6675 5.1)",
     "s 10; > 1-10; w 100; a 0 2-2; > ; w 26; > 1; w 300; > 1; ? rto 1; a 2; > 3-4; ? rexmt 4",
     RENO},
    {"one segment for a timeout",
     "s 10; > 1-10; w 300; > 10; w 300; > 1; w 600; > 1; ? tlp 1; ? rto 2; ? cwnd 1000", RENO},
    {"slow start after it",
     "s 10; > 1-10; w 300; > 10; w 300; > 1; a 1; > 2-3; a 3; > 4-6; ? ssthresh 5000; ? rec 1",
     RENO},
    {"and on to the end",
     "s 10; > 1-10; w 600; > 10 1; a 1; > 2-3; a 3; > 4-6; a 6; > 7-10; a 10; ? rec 0; ? pipe 0; >",
     RENO},
    {"reneging: all of it again (RFC 2018 8)",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; a 1; > ; ? pipe 0; w 400; ? reneged 1; > 2; a 2; > 3-4; "
     "a 10; ? rec 0",
     RENO},
    {"reports again after reneging",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; a 1; w 400; > 2; a 1 4-10; ? lost 1000; a 2 4-10; > 3; a "
     "10; ? rec 0",
     RENO},
    {"the retransmission is lost, too",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; w 249; > ; w 2; > 1; ? rto 1; ? cwnd 1000", RENO},
    {"a lost retransmission is found without a timeout",
     "s 30; > 1-10; w 100; a 0 2-10; > 1 11-14; w 100; a 0 2-12; > 1 15-16; ? rto 0; ? rexmt 2",
     RENO},
    {"a FIN is in flight like an octet",
     "s 3; x; > 1-3 @3001+0F; w 100; a 0 2-3; a 0 @1001-3002; > 1; ? pipe 1000; a 3; ? pipe 0; A "
     "3002; ? state 6",
     RENO},
    {"a FIN is lost", "s 3; x; > 1-3 @3001+0F; w 100; a 3; > ; w 300; > @3001+0F", RENO},
    {"a lost FIN goes with the octets before it",
     "s 3; x; > 1-3 @3001+0F; w 510; > @3001+0F 1; a 1; > 2 @2001+1000F; A 3002; ? state 6", RENO},
    /* --- windows --- */
    {"a window that shrinks stops retransmissions, too",
     "s 10; > 1-10; v 500; a 2; w 2000; ? rexmt 0; v 60000; a 2; w 1000; a 10; ? pipe 0", RENO},
    {"a window that is shut on what is in flight",
     "s 5; > 1-5; v 0; a 2; w 30000; ? state 4; v 60000; a 2; w 5; a 5; ? pipe 0", RENO},
    {"the octet of a probe goes with what follows it",
     "v 0; a 0; s 3; > ; w 400; > @1+1; v 60000; a 0; > 1-3; a 3; ? pipe 0", RENO},
    {"the octet of a probe is taken",
     "v 0; a 0; s 3; > ; w 400; > @1+1; A 2; v 60000; A 2; > @2+1000 @1002+1000; A 2002; > "
     "@2002+999; a 3; ? pipe 0",
     RENO},
    /* --- the window in recovery and after it --- */
    {"ssthresh once for a window",
     "s 40; > 1-10; w 100; a 0 2-4; a 0 2-4 6-8; a 0 2-4 6-8 10-10; ? fast 1; ? ssthresh 5000",
     RENO},
    {"the end of recovery: cwnd is ssthresh",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; w 100; a 10; ? cwnd 5000; ? ssthresh 5000", RENO},
    {"a second loss in a later window",
     "s 40; > 1-10; w 100; a 0 2-4; w 100; a 10; ? rec 0; w 100; a 10 12-14; ? fast 2", RENO},
    {"of what is in flight, not of cwnd", "s 4; > 1-4; w 100; a 0 2-4; > 1; ? ssthresh 2000", RENO},
    {"CUBIC takes three tenths",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; ? ssthresh 7000; w 100; a 10; ? cwnd 7000",
     .cc = TCP_CC_CUBIC},
    {"CUBIC after a timeout", "s 10; > 1-10; w 600; > 10 1; ? ssthresh 7000; ? cwnd 1000",
     .cc = TCP_CC_CUBIC},
    {"restart after idling for an RTO",
     "s 40; > 1-10; w 50; a 2; a 4; a 6; a 8; a 10; w 50; a 28; w 50; a 40; w 1000; ? cwnd 0; s "
     "30; ? cwnd 10000",
     RENO},
    /* --- Eifel (F18; RFC 3522, 4015) --- */
    {"a timeout for nothing",
     "s 10; > 1-10; w 600; > 10 1; ? rto 1; t 590; a 2; ? undo 1; ? rec 0; ? cwnd 10000; ? lost 0; "
     "a 10; ? rexmt 2",
     RENO, .timestamps = true},
    {"and the window is what it was",
     "s 40; > 1-10; w 600; > 11 1; t 590; a 2; t 590; a 4; t 590; a 10; ? undo 1; ? ssthresh "
     "4294967295; ? rexmt 1",
     RENO, .timestamps = true},
    {"a real timeout",
     "s 10; > 1-10; w 600; > 10 1; w 100; a 1; ? undo 0; ? rec 1; ? ssthresh 5000", RENO,
     .timestamps = true},
    {"without timestamps nobody knows", "s 10; > 1-10; w 600; > 10 1; a 2; ? undo 0; ? rec 1",
     RENO},
    {"a fast retransmission for nothing",
     "s 10; > 1-10; w 100; a 0 2-4; > 1; w 50; t 150; a 4; ? undo 1; ? rec 0; ? ssthresh "
     "4294967295; a 10; ? rexmt 1",
     RENO, .timestamps = true},
    {"a real fast retransmission",
     "s 10; > 1-10; w 100; a 0 2-10; > 1; w 100; a 10; ? undo 0; ? cwnd 5000", RENO,
     .timestamps = true},
    {"only the first new ACK decides",
     "s 10; > 1-10; w 100; a 0 2-4 6-8; > 1 5; w 100; a 4 6-8; ? undo 0; t 300; a 8; ? undo 0; ? "
     "ssthresh 5000",
     RENO, .timestamps = true},
    {"CUBIC's curve goes on",
     "s 10; > 1-10; w 600; > 10 1; t 590; a 2; ? undo 1; ? ssthresh 4294967295",
     .timestamps = true},
    /* --- the user's limit --- */
    {"user timeout", "s 1; > 1; w 999; ? state 4; w 2", RENO, .user_timeout_ns = 1000 * KIT_MS},
    {"progress puts it off", "s 3; > 1-3; w 900; a 1; w 900; ? state 4; a 3; w 5000; ? state 4",
     RENO, .user_timeout_ns = 1000 * KIT_MS},
    {"a shut window counts", "v 0; a 0; s 1; w 999; ? state 4; ? probes 2; a 0; w 2", RENO,
     .user_timeout_ns = 1000 * KIT_MS},
    {"nothing waits: no limit", "s 1; w 100; a 1; w 100000; ? state 4", RENO,
     .user_timeout_ns = 1000 * KIT_MS},
};

int
main(void)
{
	return play_all(rows, N_OF(rows));
}
