/* whatsapp_codes.c - the table of error codes, in order. Pure. */
#include "connectors/whatsapp/whatsapp_codes.h"

#include "base/mem.h"

#define ONE(code) (code), (code)

static const struct whatsapp_code codes[] = {
    {ONE(0), WHATSAPP_CHANNEL, ERR_AUTH,
        "WhatsApp does not accept the token. An admin has to renew it."},
    {ONE(1), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "WhatsApp has an unknown trouble."},
    {ONE(2), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "WhatsApp is not available at the moment."},
    {ONE(3), WHATSAPP_CHANNEL, ERR_DENIED,
        "The app may not do this. An admin has to give it the permission."},
    {ONE(4), WHATSAPP_WAIT_NUMBER, ERR_TOO_MANY, "Too many requests to WhatsApp."},
    {ONE(10), WHATSAPP_CHANNEL, ERR_DENIED,
        "The token lacks a permission. An admin has to make it anew with both WhatsApp "
        "permissions."},
    {ONE(33), WHATSAPP_CHANNEL, ERR_NOT_FOUND,
        "WhatsApp has deleted this number. An admin has to look into WhatsApp Manager."},
    {ONE(100), WHATSAPP_REFUSED, ERR_INVALID,
        "WhatsApp does not understand a part of this message. Write it in another way; if it "
        "happens "
        "again, tell an admin."},
    {ONE(190), WHATSAPP_CHANNEL, ERR_AUTH,
        "The token has ended or was taken back. An admin has to make a new one."},
    {200, 299, WHATSAPP_CHANNEL, ERR_DENIED,
        "The token lacks a permission for this number. An admin has to assign the system user to "
        "app "
        "and account."},
    {ONE(368), WHATSAPP_CHANNEL, ERR_DENIED,
        "WhatsApp has blocked the account for a while for breaking its rules. An admin finds the "
        "reason in Business Support."},
    {ONE(80007), WHATSAPP_WAIT_NUMBER, ERR_TOO_MANY, "The account has used up its requests."},
    {ONE(130403), WHATSAPP_REFUSED, ERR_DENIED,
        "This client is blocked by us. Unblock him to write to him."},
    {ONE(130429), WHATSAPP_WAIT_NUMBER, ERR_TOO_MANY, "The number sends more than it may."},
    {ONE(130472), WHATSAPP_REFUSED, ERR_DENIED,
        "WhatsApp does not deliver marketing to this client (an experiment of its own). Wait until "
        "he "
        "writes."},
    {ONE(130497), WHATSAPP_REFUSED, ERR_DENIED,
        "This number may not write to the client's country. Reach him another way."},
    {ONE(131000), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "Something went wrong at WhatsApp."},
    {ONE(131005), WHATSAPP_CHANNEL, ERR_DENIED,
        "WhatsApp denies access. An admin has to check the token's permissions."},
    {131008, 131009, WHATSAPP_REFUSED, ERR_INVALID,
        "A part of the message is missing or not as WhatsApp wants it. Write it in another way."},
    {ONE(131016), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "WhatsApp's service is overloaded."},
    {131020, 131020, WHATSAPP_REFUSED, ERR_INVALID,
        "WhatsApp refuses this for the group. Write it in another way, or to the person "
        "himself."},
    {ONE(131021), WHATSAPP_REFUSED, ERR_INVALID,
        "A number cannot write to itself. Write to another client."},
    {ONE(131026), WHATSAPP_REFUSED, ERR_NOT_FOUND,
        "It cannot be delivered: the client is not on WhatsApp, has an old version, has not "
        "accepted "
        "its terms, or does not take messages from businesses. Reach him another way."},
    {ONE(131030), WHATSAPP_REFUSED, ERR_DENIED,
        "A test number may only write to numbers on its list. An admin adds the client there, or "
        "uses a real number."},
    {ONE(131031), WHATSAPP_CHANNEL, ERR_DENIED,
        "The account is locked. An admin finds the reason in WhatsApp Manager."},
    {ONE(131037), WHATSAPP_CHANNEL, ERR_DENIED,
        "The display name of the number is not approved yet. An admin sees to it in WhatsApp "
        "Manager."},
    {ONE(131041), WHATSAPP_REFUSED, ERR_INVALID,
        "WhatsApp refuses this for the group. Write it in another way, or to the person "
        "himself."},
    {ONE(131042), WHATSAPP_CHANNEL, ERR_DENIED,
        "There is a problem with the payment for the account. An admin has to mend the payment "
        "method."},
    {ONE(131044), WHATSAPP_CHANNEL, ERR_DENIED,
        "The account has no means of payment. An admin has to add one."},
    {ONE(131045), WHATSAPP_CHANNEL, ERR_DENIED,
        "The number is not registered rightly. An admin has to register it again."},
    {ONE(131047), WHATSAPP_REFUSED, ERR_CONFLICT,
        "The client has not written for 24 hours, so WhatsApp takes templates only. Send a "
        "template, "
        "or wait until he writes."},
    {ONE(131048), WHATSAPP_CHANNEL, ERR_TOO_MANY,
        "Clients have reported messages of this number as spam, so WhatsApp slows it down. An "
        "admin "
        "sees its quality in WhatsApp Manager."},
    {ONE(131049), WHATSAPP_REFUSED, ERR_DENIED,
        "WhatsApp did not deliver it, so that this client does not get too much marketing. Wait a "
        "day "
        "at least."},
    {ONE(131050), WHATSAPP_REFUSED, ERR_DENIED,
        "The client does not want marketing messages. Other templates are possible."},
    {ONE(131051), WHATSAPP_REFUSED, ERR_UNSUPPORTED,
        "WhatsApp does not know this kind of message. Send it as text or as a file."},
    {ONE(131052), WHATSAPP_UPLOAD_AGAIN, ERR_UNAVAILABLE,
        "WhatsApp could not get the file. Send it again."},
    {ONE(131053), WHATSAPP_UPLOAD_AGAIN, ERR_INVALID,
        "WhatsApp could not take the file: its format may be wrong. Send it again, or as another "
        "type."},
    {ONE(131055), WHATSAPP_REFUSED, ERR_UNSUPPORTED,
        "WhatsApp does not allow this here. Write it in another way."},
    {ONE(131056), WHATSAPP_WAIT_PAIR, ERR_TOO_MANY,
        "Too many messages to this client in a short time."},
    {ONE(131057), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "The account is in maintenance."},
    {ONE(131060), WHATSAPP_REFUSED, ERR_NOT_FOUND,
        "This message is not available any more. Ask the client to send it again."},
    {ONE(131062), WHATSAPP_REFUSED, ERR_INVALID,
        "This template needs the client's phone number, which he hides. Ask him for it."},
    {ONE(131063), WHATSAPP_REFUSED, ERR_DENIED,
        "Marketing templates are switched off for this account. An admin can switch them on."},
    {ONE(131064), WHATSAPP_WAIT_NUMBER, ERR_TOO_MANY,
        "WhatsApp limits the account because its templates are in the wrong category. An admin has "
        "to correct them."},
    {131201, 131215, WHATSAPP_REFUSED, ERR_INVALID,
        "WhatsApp refuses this for the group. Write it in another way, or to the person "
        "himself."},
    {ONE(132000), WHATSAPP_REFUSED, ERR_INVALID,
        "The template wants another number of values. Fill in all its fields, and no others."},
    {ONE(132001), WHATSAPP_REFUSED, ERR_NOT_FOUND,
        "There is no such template in this language, or it is not approved yet. Choose another "
        "one."},
    {ONE(132005), WHATSAPP_REFUSED, ERR_TOO_LARGE,
        "The template is too long with these values. Make them shorter."},
    {ONE(132007), WHATSAPP_REFUSED, ERR_DENIED,
        "The text of the template breaks a rule of WhatsApp. Choose another one."},
    {ONE(132008), WHATSAPP_REFUSED, ERR_INVALID, "A value does not fit the template. Change it."},
    {ONE(132012), WHATSAPP_REFUSED, ERR_INVALID,
        "A value has not the form that the template wants. Change it."},
    {ONE(132015), WHATSAPP_REFUSED, ERR_DENIED,
        "WhatsApp has paused this template because clients did not like it. Choose another one."},
    {ONE(132016), WHATSAPP_REFUSED, ERR_DENIED,
        "WhatsApp has disabled this template for good. Choose another one."},
    {ONE(132018), WHATSAPP_REFUSED, ERR_INVALID, "A value does not fit the template. Change it."},
    {ONE(132068), WHATSAPP_REFUSED, ERR_DENIED,
        "The form (flow) is blocked. An admin has to mend it."},
    {ONE(132069), WHATSAPP_TRY_AGAIN, ERR_TOO_MANY, "The form (flow) was sent too often."},
    {ONE(133000), WHATSAPP_CHANNEL, ERR_DENIED,
        "The number was not deregistered whole. An admin has to do it again."},
    {ONE(133004), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "WhatsApp's server is not available."},
    {133005, 133009, WHATSAPP_CHANNEL, ERR_DENIED,
        "The number's two-step PIN is wrong or was asked for too often. An admin has to register "
        "it."},
    {ONE(133010), WHATSAPP_CHANNEL, ERR_DENIED,
        "The number is not registered with the platform. An admin has to register it."},
    {ONE(133015), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "The number was just deleted."},
    {ONE(133016), WHATSAPP_CHANNEL, ERR_TOO_MANY,
        "The number was registered too often. An admin has to wait three days."},
    {ONE(134011), WHATSAPP_REFUSED, ERR_DENIED,
        "WhatsApp does not allow this for the account. An admin sees why in WhatsApp "
        "Manager."},
    {134100, 134102, WHATSAPP_REFUSED, ERR_DENIED,
        "WhatsApp does not allow this marketing message for the account. An admin sees "
        "why in WhatsApp Manager."},
    {ONE(135000), WHATSAPP_REFUSED, ERR_INVALID,
        "WhatsApp refuses this message without a reason. Write it in another way."},
    {ONE(137000), WHATSAPP_REFUSED, ERR_CONFLICT,
        "The client may have changed his phone. Make sure that it is still him, then write again."},
    {138000, 138018, WHATSAPP_REFUSED, ERR_UNSUPPORTED,
        "The call is not possible. Write to the client instead."},
    {139000, 139004, WHATSAPP_REFUSED, ERR_INVALID,
        "The form (flow) cannot be sent. An admin has to check it in WhatsApp Manager."},
    {139100, 139103, WHATSAPP_REFUSED, ERR_DENIED,
        "The client cannot be blocked or unblocked now. Do it again later."},
    {147001, 147005, WHATSAPP_CHANNEL, ERR_DENIED,
        "There is trouble with the username of the business. An admin sees to it in WhatsApp "
        "Manager."},
    {ONE(2388012), WHATSAPP_CHANNEL, ERR_CONFLICT,
        "The number exists already at another account. An admin has to remove it there."},
    {ONE(2388103), WHATSAPP_CHANNEL, ERR_CONFLICT,
        "The number cannot be moved to this account. An admin sees why in WhatsApp "
        "Manager."},
    {ONE(2494100), WHATSAPP_TRY_AGAIN, ERR_UNAVAILABLE, "The number is in maintenance."},
    {2593107, 2593109, WHATSAPP_REFUSED, ERR_DENIED,
        "The history of the phone cannot be had: the limit or the time for it is over, or "
        "it is not shared. New messages come all the same."},
};

const struct whatsapp_code *whatsapp_code_find(int code) {
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (code >= codes[i].first && code <= codes[i].last)
            return &codes[i];
    return NULL;
}

const struct whatsapp_code *whatsapp_codes(size_t *n) {
    *n = ARRAY_LEN(codes);
    return codes;
}
