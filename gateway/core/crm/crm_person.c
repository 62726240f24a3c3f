/* crm_person.c - identities, and what agents wrote on the panel. */
#include "base/json_text.h"
#include "core/crm/crm_person.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "model/phone.h"

struct telling {
    void (*each)(void *arg, const struct crm_way *way);
    void *arg;
    json_t *told; /* values as keys */
};

static void tell(struct telling *t, enum crm_way_kind kind, const char *value, bool proven) {
    if (!*value || json_object_get(t->told, value))
        return;
    json_object_set_new(t->told, value, json_true());
    t->each(t->arg, &(struct crm_way){kind, value, proven});
}

static void tell_identities(
    struct telling *t, const json_t *client, const char *country, bool messengers) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(client, "identities"), i, one) {
        const char *kind = json_text(one, "kind"), *address = json_text(one, "address");
        bool proven = json_is_true(json_object_get(one, "verified"));
        bool is_mail = strcmp(kind, "email") == 0, is_phone = strcmp(kind, "phone") == 0;
        char number[PHONE_SIZE];
        if (json_is_true(json_object_get(one, "former")) || messengers != (!is_mail && !is_phone))
            continue;
        if (is_mail) {
            tell(t, CRM_MAIL, address, proven);
        } else if (is_phone && phone_e164(address, country, number) == 0) {
            tell(t, CRM_PHONE, number, proven);
        } else if (messengers) {
            char *value = mem_printf("%s:%s", kind, address);
            tell(t, CRM_MESSENGER, value, true);
            free(value);
        }
    }
}

void crm_ways(const json_t *client, const char *country,
    void (*each)(void *arg, const struct crm_way *way), void *arg) {
    struct telling t = {each, arg, json_object()};
    char number[PHONE_SIZE];
    tell_identities(&t, client, country, true);
    if (phone_e164(json_text(client, "phone"), country, number) == 0)
        tell(&t, CRM_PHONE, number, true);
    tell(&t, CRM_MAIL, json_text(client, "email"), true);
    tell_identities(&t, client, country, false);
    json_decref(t.told);
}

bool crm_way_is(const struct crm_way *way, const char *held, const char *country) {
    if (way->kind == CRM_PHONE)
        return phone_same(held, way->value, country);
    return way->kind == CRM_MAIL ? strcasecmp(held, way->value) == 0
                                 : strcmp(held, way->value) == 0;
}
