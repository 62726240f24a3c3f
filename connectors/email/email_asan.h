/* email_asan.h - is this a build with AddressSanitizer? It maps terabytes (no limit on address
 * space can hold) and looks for leaks when the process ends. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_ASAN_H
#define SB_CONNECTORS_EMAIL_EMAIL_ASAN_H

#if defined(__SANITIZE_ADDRESS__)
#define EMAIL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EMAIL_ASAN 1
#endif
#endif
#ifndef EMAIL_ASAN
#define EMAIL_ASAN 0
#endif

#endif
