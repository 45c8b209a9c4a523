#pragma once
/* JSON of vectors and points for Qdrant: much of it, so made with care. For store/ only. */
#include "base/buf.h"
#include "base/json.h"
#include "store/vectors.h"

/* Appends `count` floats as a JSON array, nine decimals each (an error below 1e-9, less than a float's own
 * for vectors of unit length), zeros at the end left out. */
void vectors_json_floats(struct buf *out, const float *values, size_t count);
/* Point ids of ours: UUIDv5 of company, kind and item, so that tenants never meet. */
void vectors_json_point_id(const struct vector_tenant *t, enum vector_collection c, int64_t item_id,
                           char ret_uuid[37]);
/* Appends the body of PUT /points. The payload of a point is its own members and, whatever it says, our
 * company_id and item id. E_JSON when a payload is not an object. Takes long: run it off the loop. */
int vectors_json_points(struct buf *out, const struct vector_tenant *t, enum vector_collection c,
                        const struct vector_point *points, size_t count, struct err *err)
    _must_check_;
/* Appends the one member "filter": this tenant's points and, when ids are given, only or all but those.
 * The only place where a tenant filter is made. E_INPUT for an empty company. */
enum vectors_json_ids { IDS_ANY, IDS_ONLY, IDS_BUT };
int vectors_json_filter(struct jw *w, const struct vector_tenant *t, enum vector_collection c,
                        enum vectors_json_ids how, const int64_t *item_ids, size_t count,
                        struct err *err) _must_check_;
/* "ticket_id" or "article_id". */
const char *vectors_json_item_field(enum vector_collection c);
