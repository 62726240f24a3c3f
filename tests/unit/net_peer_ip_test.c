/* net_peer_ip_test.c - whose address is public, which proxies are believed, who has too many
 * connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/peer_ip.h"
#include "net/peers.h"

static struct peer_ip ip(const char *text) {
    struct peer_ip out;
    if (!peer_ip_parse(span_str(text), &out))
        fail_msg("%s is not understood", text);
    return out;
}

static void test_texts(void **state) {
    (void)state;
    char out[PEER_IP_TEXT];
    struct peer_ip a = ip("192.0.2.7:8080");
    assert_string_equal(peer_ip_format(&a, out), "192.0.2.7");
    a = ip("[2001:DB8::1]:443");
    assert_string_equal(peer_ip_format(&a, out), "2001:db8::1");
    a = ip("::ffff:10.0.0.1");
    assert_string_equal(peer_ip_format(&a, out), "10.0.0.1");
    static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4:", "1.2.3.4:x",
        "[::1", "[::1]x", "[]", "host", "1.2.3.4 ", "unknown", "::1%eth0"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (peer_ip_parse(span_str(bad[i]), &a))
            fail_msg("%s is taken for an address", bad[i]);
}

static void test_public(void **state) {
    (void)state;
    static const char *const closed[] = {"0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255",
        "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
        "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "fe80::1", "febf::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "2001::1",
        "2001:10::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "100::1", "5f00::1"};
    static const char *const open[] = {"1.1.1.1", "9.255.255.255", "100.63.255.255", "100.128.0.0",
        "172.15.255.255", "172.32.0.1", "192.169.0.1", "198.17.255.255", "223.255.255.255",
        "::ffff:8.8.8.8", "2001:4860:4860::8888", "2a00:1450::1", "2003::1"};
    for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
        struct peer_ip a = ip(closed[i]);
        if (peer_ip_is_public(&a))
            fail_msg("%s is called public", closed[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        struct peer_ip a = ip(open[i]);
        if (!peer_ip_is_public(&a))
            fail_msg("%s is called private", open[i]);
    }
}

static void test_networks(void **state) {
    (void)state;
    static const char *const texts[] = {"10.0.0.0/9", "192.0.2.1", "fd00::/8", "::1", NULL};
    struct peer_nets nets;
    struct err err;
    assert_int_equal(peer_nets_parse(texts, &nets, &err), 0);
    struct peer_ip a = ip("10.127.255.255");
    assert_true(peer_nets_have(&nets, &a));
    a = ip("10.128.0.0");
    assert_false(peer_nets_have(&nets, &a));
    a = ip("192.0.2.1");
    assert_true(peer_nets_have(&nets, &a));
    a = ip("192.0.2.2");
    assert_false(peer_nets_have(&nets, &a));
    a = ip("fdff::1");
    assert_true(peer_nets_have(&nets, &a));
    a = ip("::1");
    assert_true(peer_nets_have(&nets, &a));
    peer_nets_free(&nets);
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "x", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *const one[] = {bad[i], NULL};
        assert_int_equal(peer_nets_parse(one, &nets, &err), -1);
    }
    assert_int_equal(peer_nets_parse(NULL, &nets, &err), 0);
    assert_false(peer_nets_have(&nets, &a));
    peer_nets_free(&nets);
}

static void client_is(const char *socket, const char *forwarded, const char *want) {
    static const char *const texts[] = {"127.0.0.1", "10.0.0.0/8", NULL};
    struct peer_nets nets;
    struct err err;
    char out[PEER_IP_TEXT];
    struct peer_ip a = ip(socket);
    assert_int_equal(peer_nets_parse(texts, &nets, &err), 0);
    peer_ip_unproxy(&a, span_str(forwarded), &nets);
    assert_string_equal(peer_ip_format(&a, out), want);
    peer_nets_free(&nets);
}

static void test_proxies(void **state) {
    (void)state;
    client_is("127.0.0.1", "203.0.113.9", "203.0.113.9");
    client_is("127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"); /* the left one is hearsay */
    client_is("127.0.0.1", "1.1.1.1, 203.0.113.9 , 10.0.0.7", "203.0.113.9");
    client_is("203.0.113.1", "1.1.1.1", "203.0.113.1"); /* no proxy of ours */
    client_is("127.0.0.1", "", "127.0.0.1");
    client_is("127.0.0.1", "nonsense", "127.0.0.1");
    client_is("127.0.0.1", "1.1.1.1, nonsense", "127.0.0.1");
    client_is("127.0.0.1", "1.1.1.1, nonsense, 10.0.0.7", "10.0.0.7");
    client_is("127.0.0.1", ",,", "127.0.0.1");
}

static void test_ceilings(void **state) {
    (void)state;
    struct peers *p = peers_create(5, 2);
    struct peer_ticket t[6], none;
    struct peer_ip a = ip("192.0.2.1"), b = ip("2001:db8::1"), c = ip("2001:db8::2");
    assert_true(peers_enter(p, &a, true, &t[0]));
    assert_true(peers_enter(p, &a, true, &t[1]));
    assert_false(peers_enter(p, &a, true, &none)); /* a third from there */
    assert_null(none.peers);
    assert_true(peers_enter(p, &b, true, &t[2]));
    assert_true(peers_enter(p, &c, true, &t[3])); /* a neighbour in the same /64 */
    assert_false(peers_enter(p, &b, true, &none));
    assert_int_equal(peers_of(p, &c), 2);
    struct peer_ip one = peer_ip_group(&b), same = peer_ip_group(&c), v4 = peer_ip_group(&a);
    assert_true(peer_ip_eq(&one, &same) && peer_ip_eq(&v4, &a));
    assert_true(peers_enter(p, &a, false, &t[4])); /* a proxy counts in the total only */
    assert_false(peers_enter(p, &a, false, &none));
    assert_int_equal(peers_total(p), 5);
    peers_leave(&t[0]);
    peers_leave(&t[0]); /* twice is harmless */
    assert_int_equal(peers_of(p, &a), 1);
    assert_true(peers_enter(p, &a, true, &t[0]));
    peers_destroy(&p);
    for (int i = 0; i < 5; i++)
        peers_leave(&t[i]); /* the last one frees it */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_public),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
