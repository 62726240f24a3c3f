/* whatsapp_phone.c - the other form of a phone number. Pure. */
#include "connectors/whatsapp/whatsapp_phone.h"

#include <stdio.h>
#include <string.h>

bool whatsapp_phone_twin(const char *d, char twin[WHATSAPP_TWIN_SIZE]) {
    size_t n = strlen(d);
    twin[0] = '\0';
    if (n < 12 || n > 13 || strspn(d, "0123456789") != n)
        return false;
    if (strncmp(d, "55", 2) == 0) { /* Brazil: area of two digits; mobiles begin with 6 to 9 */
        if (n == 13 && d[4] == '9' && d[5] >= '6')
            snprintf(twin, WHATSAPP_TWIN_SIZE, "%.4s%s", d, d + 5);
        else if (n == 12 && d[4] >= '6')
            snprintf(twin, WHATSAPP_TWIN_SIZE, "%.4s9%s", d, d + 4);
    } else if (strncmp(d, "52", 2) == 0) { /* Mexico: ten digits */
        if (n == 13 && d[2] == '1')
            snprintf(twin, WHATSAPP_TWIN_SIZE, "52%s", d + 3);
        else if (n == 12)
            snprintf(twin, WHATSAPP_TWIN_SIZE, "521%s", d + 2);
    } else if (strncmp(d, "54", 2) == 0) { /* Argentina: ten digits */
        if (n == 13 && d[2] == '9')
            snprintf(twin, WHATSAPP_TWIN_SIZE, "54%s", d + 3);
        else if (n == 12)
            snprintf(twin, WHATSAPP_TWIN_SIZE, "549%s", d + 2);
    }
    return twin[0] != '\0';
}
