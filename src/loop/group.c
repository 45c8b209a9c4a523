/*
 * Groups: children that end before their parent.
 *
 * Happy path: group_spawn starts children, group_wait parks the owner until the last has ended.
 * The first child that fails makes its status the group's and cancels its siblings (unless collect_all);
 * leaving the scope early cancels and drains through group_join.
 * Fails by: E_OVERLOAD when there are too many flows, told like a child's failure.
 * Invariant: count is the number of children alive; the group's memory stays while count > 0.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "loop/private.h"

static void group_fail(struct group *g, int status, const struct err *err)
{
    if (g->collect_all || g->status < 0)
        return;
    g->status = status;
    g->err = *err;
    group_cancel(g);
}

static int group_refuse(struct group *g, int code, const char *text)
{
    struct err err = {0};
    err_set(&err, code, "%s", text);
    group_fail(g, code, &err);
    return code;
}

static int group_start(struct group *g, const char *name, flow_fn *fn, void *arg,
                       struct flow **ret_flow)
{
    struct flow *owner = g->owner;
    struct loop *l = owner->loop;
    if (!g->children.next)
        list_init(&g->children);
    if (g->cancelled)
        return g->status < 0 ? g->status : -ECANCELED;
    int r = fault_check("group.spawn", E_OVERLOAD);
    if (r < 0 || l->flow_count >= l->flow_count_max)
        return group_refuse(g, E_OVERLOAD, "too many flows");
    struct flow *f = flow_new(l, name, fn, arg);
    f->group = g;
    memcpy(f->request_id, owner->request_id, sizeof(f->request_id));
    list_push(&g->children, &f->sibling);
    g->count++;
    *ret_flow = f;
    return 0;
}

int group_spawn(struct group *g, const char *name, flow_fn *fn, void *arg)
{
    struct flow *f;
    return group_start(g, name, fn, arg, &f);
}

int group_spawn_watched(struct group *g, const char *name, flow_fn *fn, void *arg,
                        void (*on_end)(void *arg, int status))
{
    struct flow *f;
    int r = group_start(g, name, fn, arg, &f);
    if (r == 0)
        f->on_end = on_end;
    return r;
}

void group_child_ended(struct group *g, struct flow *child)
{
    list_remove(&child->sibling);
    assert(g->count > 0);
    g->count--;
    if (child->status < 0) {
        if (child->err.code == 0)
            err_set(&child->err, child->status, "%s", err_text(child->status));
        group_fail(g, child->status, &child->err);
    }
    if (g->op.state == OP_RUNNING && g->count < g->room)
        op_finish(&g->op, 0);
}

void group_cancel(struct group *g)
{
    g->cancelled = true;
    if (!g->children.next)
        return;
    list_each (n, &g->children)
        flow_cancel(list_entry(n, struct flow, sibling));
}

static void on_group_cancel(struct op *op)
{
    group_cancel(container_of(op, struct group, op));
}

static void on_room_cancel(struct op *op)
{
    op_finish(op, -ECANCELED);
}

/* Of a wait that has ended well: what became of the children. */
static int group_result(struct flow *f, const struct group *g)
{
    if (g->status < 0)
        f->err = g->err;
    return g->status;
}

int group_wait(struct flow *f, struct group *g)
{
    assert(g->owner == f);
    if (g->count > 0) {
        g->room = 1;
        op_begin(&g->op, f->loop, "group", on_group_cancel);
        int r = flow_wait(f, &g->op);
        if (r < 0)
            return r;
    }
    return group_result(f, g);
}

int group_room(struct flow *f, struct group *g, size_t count_max)
{
    assert(g->owner == f && count_max > 0);
    while (g->count >= count_max && g->status == 0) {
        g->room = count_max;
        op_begin(&g->op, f->loop, "group.room", on_room_cancel);
        int r = flow_wait(f, &g->op);
        if (r < 0)
            return r;
    }
    return group_result(f, g);
}

void group_join(struct group *g)
{
    group_cancel(g);
    if (g->count == 0)
        return;
    g->room = 1;
    op_begin(&g->op, g->owner->loop, "group.join", NULL);
    flow_drain(g->owner, &g->op);
}
