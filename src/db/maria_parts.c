/*
 * db/maria_parts.c: options of a connection, errors of the library and the server, literals.
 *
 * TLS: a URL that names a CA or asks for verification gets a verified connection (chain and host name); one
 * that asks for TLS gets TLS or fails; otherwise the connection is what the library's version does without
 * being asked (3.3: plain, 3.4: TLS where the server has it), never refused for a server without TLS.
 * Authentication is limited to the plugins that do not send the password as it is.
 * Errors: numbers under 2000 and over 3000 are the server's (mysqld_error.h), 2000 to 2999 the library's
 * (errmsg.h). Messages never hold the password. Invariant: each number is translated here, once.
 */
#include "db/maria_parts.h"

#include <errno.h>
#include <inttypes.h>

#define AUTH_PLUGINS                                                                               \
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec"

enum tls { TLS_ANY, TLS_OFF, TLS_ON, TLS_VERIFIED };

static enum tls tls_of(const struct db_url *u)
{
    const char *mode = db_url_param(u, "ssl_mode");
    if (db_url_flag(u, "ssl_disabled", false) ||
        (mode && str_eq_nocase(str_from(mode), STR("DISABLED"))))
        return TLS_OFF;
    bool named = (mode && str_starts_nocase(str_from(mode), STR("VERIFY_"))) ||
                 db_url_param(u, "ssl_ca") || db_url_param(u, "ssl_capath");
    if (db_url_flag(u, "ssl_verify_cert", named) || db_url_flag(u, "ssl_verify_identity", false) ||
        db_url_flag(u, "ssl_check_hostname", false))
        return TLS_VERIFIED;
    bool required = (mode && str_eq_nocase(str_from(mode), STR("REQUIRED"))) ||
                    db_url_flag(u, "ssl", false) || db_url_param(u, "ssl_cert") ||
                    db_url_param(u, "ssl_key") || named;
    return required ? TLS_ON : TLS_ANY;
}

bool maria_verifies(const struct db_url *u)
{
    return tls_of(u) == TLS_VERIFIED;
}

void maria_options(MYSQL *my, const struct maria_spec *spec)
{
    const struct db_url *u = spec->url;
    const my_bool on = 1, off = 0;
    /* Said to be seconds, and taken for seconds while connecting; in a TLS handshake the library hands the
     * number to poll() as milliseconds (observed with 3.3: 5 ended handshakes after 5 ms). Both are at least
     * ours; db/maria.c has a deadline of its own. */
    const unsigned connect_s = MAX(1000U, spec->connect_timeout_ms);
    const unsigned read_s = MAX(1U, spec->statement_timeout_ms / 1000);
    const unsigned no = 0;
    const unsigned protocol = db_url_param(u, "unix_socket") ? MYSQL_PROTOCOL_SOCKET
                                                             : MYSQL_PROTOCOL_TCP;
    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &read_s);
    mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &read_s);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &no); /* or a server could ask for our files */
    mysql_options(my, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(my, MARIADB_OPT_RESTRICTED_AUTH, AUTH_PLUGINS);
    enum tls tls = tls_of(u);
    if (tls >= TLS_ON) {
        mysql_ssl_set(my, db_url_param(u, "ssl_key"), db_url_param(u, "ssl_cert"),
                      db_url_param(u, "ssl_ca"), db_url_param(u, "ssl_capath"),
                      db_url_param(u, "ssl_cipher"));
        mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &on);
    }
    mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, tls == TLS_VERIFIED ? &on : &off);
}

int maria_check_url(const struct db_url *u, struct err *err)
{
    if (u->kind != DB_URL_MYSQL)
        return err_set(err, E_CONFIG, "this is no address of a MySQL or MariaDB server");
    if (db_url_param(u, "unix_socket") && db_url_param(u, "unix_socket")[0] != '/')
        return err_set(err, E_CONFIG, "unix_socket must be a path that begins with /");
    return 0;
}

static int code_of(unsigned number)
{
    static const struct {
        unsigned number;
        int code;
    } codes[] = {
        {1040, E_DB_AWAY},     /* too many connections */
        {1042, E_DB_AWAY},     /* cannot get the host's name */
        {1053, E_DB_AWAY},     /* server shutdown in progress */
        {1062, E_DB_CONFLICT}, /* duplicate entry */
        {1077, E_DB_AWAY},     /* normal shutdown */
        {1079, E_DB_AWAY},     /* shutdown complete */
        {1129, E_DB_AWAY},     /* host is blocked after many connection errors */
        {1152, E_DB_AWAY},     /* aborted connection */
        {1153, E_LIMIT},       /* packet bigger than max_allowed_packet */
        {1158, E_DB_AWAY},     /* error or time-out while reading or writing packets */
        {1159, E_DB_AWAY},
        {1160, E_DB_AWAY},
        {1161, E_DB_AWAY},
        {1203, E_DB_AWAY},  /* the user has too many connections */
        {1205, E_DB_RETRY}, /* lock wait time-out */
        {1213, E_DB_RETRY}, /* deadlock */
        {1226, E_DB_AWAY},  /* the user has used up a resource of the hour */
        {1317, -ETIMEDOUT}, /* query was interrupted */
        {1836, E_DB_AWAY},  /* server runs in read-only mode */
        {1927, E_DB_AWAY},  /* connection was killed */
        {1969, -ETIMEDOUT}, /* max_statement_time exceeded */
        {3024, -ETIMEDOUT}, /* max_execution_time exceeded */
        {3169, E_DB_AWAY},  /* session was killed */
        {CR_CONNECTION_ERROR, E_DB_AWAY},
        {CR_CONN_HOST_ERROR, E_DB_AWAY},
        {CR_SERVER_GONE_ERROR, E_DB_AWAY},
        {CR_SERVER_HANDSHAKE_ERR, E_DB_AWAY},
        {CR_SERVER_LOST, E_DB_AWAY},
        {CR_SERVER_LOST_EXTENDED, E_DB_AWAY},
        {CR_MALFORMED_PACKET, E_DB_AWAY},
        {CR_NET_PACKET_TOO_LARGE, E_LIMIT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
        if (codes[i].number == number)
            return codes[i].code;
    return number == 0 ? E_DB_AWAY : E_DB;
}

int maria_error(MYSQL *my, struct err *err)
{
    unsigned number = mysql_errno(my);
    struct str said = str_cut_utf8(str_trim(str_from(mysql_error(my))), 200);
    return err_set(err, code_of(number), "MariaDB error %u: %.*s", number, STR_ARG(said));
}

bool maria_error_is_refusal(unsigned number)
{
    static const unsigned refusals[] = {
        1048, /* column cannot be null */
        1264, /* out of range */
        1265, /* data truncated */
        1366, /* incorrect value: a character that the column's character set lacks */
        1406, /* data too long */
        3988, /* conversion between character sets is impossible */
    };
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++)
        if (refusals[i] == number)
            return true;
    return false;
}

/* ---- literals ---- */

void maria_text(struct buf *sql, struct str value)
{
    buf_text(sql, "_utf8mb4 X'");
    if (str_is_utf8(value)) {
        buf_hex(sql, value.ptr, value.len);
    } else {
        while (value.len > 0) {
            uint32_t c;
            size_t n = str_decode(value, &c);
            if (c == 0xFFFD)
                buf_text(sql, "efbfbd");
            else
                buf_hex(sql, value.ptr, n);
            value = str_sub(value, n, value.len);
        }
    }
    buf_byte(sql, '\'');
}

void maria_i64(struct buf *sql, int64_t value)
{
    buf_i64(sql, value);
}
