/* What a processor can do at most: compare codes, and look scores up.

   Built and called by bench_search.py. Each function goes over all codes once for one
   query, with a checksum that keeps the compiler from leaving the work out. */

#include <stdint.h>

/* Hamming distances of 64-bit words by popcount. */
uint64_t popcount_scan(const uint64_t *codes, uint64_t query, long count) {
    uint64_t total = 0;
    for (long i = 0; i < count; i++)
        total += (uint64_t)__builtin_popcountll(codes[i] ^ query);
    return total;
}

/* Scores of M bytes a code by M tables of 256 floats. */
float table_scan(const uint8_t *codes, const float *tables, long count, int m) {
    float best = -1e30f;
    for (long i = 0; i < count; i++) {
        float score = 0;
        for (int j = 0; j < m; j++)
            score += tables[256 * j + codes[m * i + j]];
        if (score > best)
            best = score;
    }
    return best;
}
