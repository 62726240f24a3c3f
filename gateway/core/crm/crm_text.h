/* crm_text.h - a message as the text of a note, for CRMs whose history is notes: who, where, when,
 * what; in the markup that the CRM shows, in pieces that it takes. Pure. */
#ifndef SB_CORE_CRM_TEXT_H
#define SB_CORE_CRM_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "media/media_link.h"

enum crm_markup {
    CRM_PLAIN,
    CRM_BBCODE,   /* Bitrix24 */
    CRM_MARKDOWN, /* EspoCRM */
    CRM_HTML      /* Odoo: p, br, b, a */
};

struct crm_text_options {
    enum crm_markup markup;
    bool russian;             /* the words that are ours */
    int utc_offset_min;       /* of the CRM's people: +180 Moscow */
    size_t max;               /* bytes of a piece, what is ours included; at least 4000 */
    struct media_links links; /* to files */
    bool late;                /* it comes after messages that were written later: says so */
    bool bare; /* for a chat, which shows who and when itself: without a headline and a
                  mark */
};

/* The pieces, at least one: an array of strings (a new reference). A long text is cut between
 * words, and each piece but the last ends with "…". What the client wrote can be nothing but
 * text in the markup: all of it is escaped. */
json_t *crm_text(const json_t *message, const json_t *client, const struct crm_text_options *o);

/* The mark by which a note is found again, at the end of its last piece: "#" and the message's id.
 */
#define CRM_MARK_SIZE 32
void crm_text_mark(const json_t *message, char out[CRM_MARK_SIZE]);
/* The message's id (ID_LEN characters of it) in the mark with which an entry ends, whatever piece
 * it is, the CRM's tags behind it left aside; NULL: it ends with none. */
const char *crm_text_marked(const char *text);

#endif
