/* core_lanes_test.c - ids of entries by lane: in order, whatever is put before, behind and taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/lanes.h"

static struct lane_key key(unsigned n, int64_t seq) {
    struct lane_key k = {.seq = seq};
    char text[ID_TAG_LEN + 1];
    snprintf(text, sizeof text, "%09u", n);
    memcpy(k.tag, text, ID_TAG_LEN);
    return k;
}

static void is_id(const struct lane *lane, size_t place, const char *id) {
    char out[48];
    lane_id(lane, place, out);
    assert_string_equal(out, id);
}

static void append(struct lanes *l, struct lane *lane, unsigned n) {
    char id[48];
    snprintf(id, sizeof id, "1732368000%03u-%u", n, n % 7);
    lane_insert(l, lane, lane->n, id);
}

static void ids_keep_their_order(void **state) {
    (void)state;
    struct lanes l = {0};
    struct lane_key k = key(1, 0);
    struct lane *lane = lanes_add(&l, &k);
    for (unsigned i = 3; i < 300; i++)
        append(&l, lane, i);
    lane_insert(&l, lane, 0, "1732368000000-0");
    lane_insert(&l, lane, 1, "1732368000001-1");
    is_id(lane, 0, "1732368000000-0");
    is_id(lane, 1, "1732368000001-1");
    is_id(lane, 2, "1732368000003-3");
    lane_take(&l, lane, 2);
    is_id(lane, 0, "1732368000003-3");
    assert_int_equal(l.nids, 297);
    for (unsigned i = 300; i < 900; i++) { /* the room of those that are gone is used again */
        lane_take(&l, lane, 1);
        append(&l, lane, i);
        assert_int_equal(lane->n, 297);
    }
    assert_true(lane->room <= 1024);
    is_id(lane, 0, "1732368000603-1");
    is_id(lane, 296, "1732368000899-3");
    lanes_clear(&l);
    assert_int_equal(l.nids, 0);
}

static void lanes_are_found_and_dropped(void **state) {
    (void)state;
    struct lanes l = {0};
    struct lane_key none = key(5, 0);
    assert_null(lanes_find(&l, &none));
    for (unsigned i = 0; i < 5000; i++) {
        struct lane_key k = key(i / 2, i % 2); /* a job for recipients is a lane of its own */
        struct lane *lane = lanes_add(&l, &k);
        append(&l, lane, i % 1000);
        lane_set_active(&l, lane, i % 5 == 0);
    }
    assert_int_equal(l.nactive, 1000);
    for (unsigned i = 0; i < 5000; i += 3) {
        struct lane_key k = key(i / 2, i % 2);
        lanes_drop(&l, lanes_find(&l, &k));
    }
    for (unsigned i = 0; i < 5000; i++) {
        struct lane_key k = key(i / 2, i % 2);
        struct lane *lane = lanes_find(&l, &k);
        assert_int_equal(lane != NULL, i % 3 != 0);
        if (lane)
            assert_ptr_equal(l.all[lane->at], lane);
    }
    assert_int_equal(l.n, 3333);
    assert_int_equal(l.nids, 3333);
    assert_int_equal(l.nactive, 1000 - 334);
    lanes_clear(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_keep_their_order),
        cmocka_unit_test(lanes_are_found_and_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
