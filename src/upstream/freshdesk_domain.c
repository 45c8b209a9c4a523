/*
 * What users type as their Freshdesk account, turned into a host name we are willing to call.
 *
 * Happy path: "acme", "ACME.freshdesk.com", "https://acme.freshdesk.com/a/tickets/1" all become
 * "acme.freshdesk.com" and company "acme" (legacy-contracts §1.3).
 * Fails with E_INPUT on everything else: other hosts, ports, user names, a trailing dot, addresses,
 * deeper names, odd bytes.
 * Invariant: what comes out is one label of [a-z0-9-] before ".freshdesk.com"; no other bytes ever reach
 * a URL or a Host header. The server's protection against being sent to foreign hosts is this file.
 */
#include "upstream/freshdesk.h"

#define SUFFIX STR(".freshdesk.com")
#define LABEL_BYTES_MAX 63 /* RFC 1035 §2.3.4 */

/* The text between scheme and path, lower case. */
static struct str host_of(struct arena *a, struct str text)
{
    struct str s = arena_str(a, str_trim(text));
    char *bytes = (char *)(uintptr_t)s.ptr; /* our own copy */
    for (size_t i = 0; i < s.len; i++)
        if (bytes[i] >= 'A' && bytes[i] <= 'Z')
            bytes[i] = (char)(bytes[i] - 'A' + 'a');
    if (str_starts(s, STR("https://")))
        s = str_sub(s, 8, s.len - 8);
    else if (str_starts(s, STR("http://")))
        s = str_sub(s, 7, s.len - 7);
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == '/' || s.ptr[i] == '?' || s.ptr[i] == '#')
            return str_sub(s, 0, i);
    return s;
}

static bool label_is_good(struct str label)
{
    if (label.len < 2 || label.len > LABEL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        bool inner = i > 0 && i + 1 < label.len;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && inner)))
            return false;
    }
    return true;
}

int freshdesk_domain_parse(struct arena *a, struct str text, struct str *ret_domain,
                           struct str *ret_company, struct err *err)
{
    if (str_trim(text).len == 0)
        return err_set(err, E_INPUT, "도메인 입력값이 비어있습니다.");
    if (text.len > 2048)
        return err_set(err, E_INPUT, "the Freshdesk domain is too long");
    struct str label = host_of(a, text);
    if (str_ends(label, SUFFIX))
        label = str_sub(label, 0, label.len - SUFFIX.len);
    if (!label_is_good(label) || str_eq(label, STR("localhost")))
        return err_set(err, E_INPUT, "유효하지 않은 company_id: not a name under freshdesk.com");
    *ret_company = arena_str(a, label);
    *ret_domain = arena_printf(a, "%.*s.freshdesk.com", STR_ARG(label));
    return 0;
}
