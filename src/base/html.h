#pragma once
/* HTML of tickets and articles to plain text, and the other way for safe display. */
#include "base/buf.h"
#include "base/str.h"

/* Appends the visible text of `html`: tags dropped, script/style/head content dropped, block tags and
 * <br> become line breaks, list items "- ", entities decoded (named ones of HTML 4 plus numeric),
 * runs of white space folded, at most two line breaks in a row. Never fails: bad markup degrades to
 * text. Linear time. Quoted-mail tails (gmail_quote, blockquote type=cite) are kept. */
void html_to_text(struct buf *out, struct str html);
/* Appends s with & < > " ' escaped. */
void html_escape(struct buf *out, struct str s);
