#pragma once
/*
 * Every setting, once. Columns: type, field, environment name, unit, default, min, max, help.
 * min/max bound the number of CONFIG_INT rows and the length of the others (0, 0: any).
 * Old names (legacy-contracts §1.1, §4.1, §5.3) keep their meaning.
 */
#define CONFIG_TABLE(X)                                                                            \
    /* the server */                                                                               \
    X(TEXT, host, "HOST", "", "127.0.0.1", 1, 255, "address to listen on")                         \
    X(INT, port, "PORT", "", "8000", 0, 65535, "port to listen on; 0 picks a free one")            \
    X(TEXT, var_dir, "VAR_DIR", "", "var", 1, 4096, "where state, logs and a private database go") \
    X(TEXT, log_level, "LOG_LEVEL", "", "info", 1, 16, "debug, info, warning or error")            \
    X(TEXT, log_format, "LOG_FORMAT", "", "text", 1, 8, "text or json")                            \
    X(SECRET, admin_token, "ADMIN_TOKEN", "", "", 0, 256,                                          \
      "bearer token for /debug and administration; empty switches them off")                       \
    X(TEXT, allowed_origins, "ALLOWED_ORIGINS", "", "*", 0, 8192,                                  \
      "origins a browser may call from, with commas; * for any")                                   \
    X(BOOL, sandbox, "SANDBOX", "", "false", 0, 0, "label every answer as made by the sandbox")    \
    X(INT, drain_ms, "DRAIN_MS", "ms", "10000", 0, 600000,                                         \
      "how long a stopping server lets open streams finish")                                       \
    X(INT, flow_count_max, "FLOW_COUNT_MAX", "", "4096", 16, 16384, "flows alive at once")         \
    X(INT, connection_count_max, "CONNECTION_COUNT_MAX", "", "10000", 1, 100000,                   \
      "client connections open at once")                                                           \
    X(INT, header_bytes_max, "HEADER_BYTES_MAX", "bytes", "65536", 1024, 1048576,                  \
      "request line and headers together")                                                         \
    X(INT, body_bytes_max, "BODY_BYTES_MAX", "bytes", "4194304", 1024, 268435456, "request body")  \
    X(INT, idle_timeout_ms, "IDLE_TIMEOUT_MS", "ms", "75000", 1000, 3600000,                       \
      "a client connection without a request is closed after this")                                \
    X(INT, request_timeout_ms, "REQUEST_TIMEOUT_MS", "ms", "30000", 1000, 600000,                  \
      "a request must have arrived whole within this")                                             \
    X(INT, heartbeat_ms, "HEARTBEAT_MS", "ms", "15000", 1000, 600000,                              \
      "heartbeat of silent streams")                                                               \
    X(INT, stream_buffer_bytes_max, "STREAM_BUFFER_BYTES_MAX", "bytes", "262144", 4096, 16777216,  \
      "unsent bytes of a slow reader before its stream is paused")                                 \
    X(INT, slow_reader_ms, "SLOW_READER_MS", "ms", "30000", 1000, 3600000,                         \
      "a reader that takes nothing for this long is dropped")                                      \
    X(INT, assist_timeout_ms, "ASSIST_TIMEOUT_MS", "ms", "120000", 1000, 3600000,                  \
      "longest time one assist, question or reply may take")                                       \
    /* Postgres */                                                                                 \
    X(SECRET, database_url, "DATABASE_URL", "", "", 0, 4096,                                       \
      "postgresql://...; empty uses the private cluster under VAR_DIR")                            \
    X(INT, db_connection_count_max, "DB_CONNECTIONS", "", "8", 1, 500, "connections to Postgres")  \
    X(INT, db_statement_timeout_ms, "DB_STATEMENT_TIMEOUT_MS", "ms", "30000", 100, 3600000,        \
      "server-side limit of one statement")                                                        \
    /* chats: where the nightly batch reads and writes */                                          \
    X(SECRET, chat_url, "ENGINE_FOR_SQLALCHEMY", "", "", 0, 4096,                                  \
      "database of the chats: mysql+pymysql://user:password@host:3306/name, postgresql://..., "    \
      "sqlite:///file; empty uses our own tables")                                                 \
    X(TEXT, org_timezone, "ORG_TIMEZONE", "", "", 0, 64, "zone of the batch's days; empty: TZ")    \
    X(TEXT, table_chats, "DB_TABLE_CHATTINGS", "", "chattings", 1, 200, "table of the chats")      \
    X(TEXT, table_keywords, "DB_TABLE_CHAT_KEYWORDS", "", "admin_chat_keywords", 1, 200,           \
      "table that the classification is written to")                                               \
    X(TEXT, table_categories, "DB_TABLE_CATEGORIES", "", "admin_categories", 1, 200,               \
      "table of the categories")                                                                   \
    X(TEXT, column_input_text, "DB_COLUMN_INPUT_TEXT", "", "input_text", 1, 64, "chats: text")     \
    X(TEXT, column_chatting_pk, "DB_COLUMN_CHATTING_PK", "", "chatting_pk", 1, 64, "chats: key")   \
    X(TEXT, column_created_at, "DB_COLUMN_CREATED_AT", "", "created_at", 1, 64,                    \
      "chats and keywords: local time")                                                            \
    X(TEXT, column_query_text, "DB_COLUMN_QUERY_TEXT", "", "query_text", 1, 64, "keywords: text")  \
    X(TEXT, column_keyword, "DB_COLUMN_KEYWORD", "", "keyword", 1, 64, "keywords: keyword")        \
    X(TEXT, column_category_id, "DB_COLUMN_CATEGORY_ID", "", "category_id", 1, 64,                 \
      "keywords and categories: category's number")                                                \
    X(TEXT, column_query_count, "DB_COLUMN_QUERY_COUNT", "", "query_count", 1, 64,                 \
      "keywords: how often it was asked")                                                          \
    X(TEXT, column_batch_created_at, "DB_COLUMN_BATCH_CREATED_AT", "", "batch_created_at", 1, 64,  \
      "keywords: start of the batch")                                                              \
    X(TEXT, column_category_name, "DB_COLUMN_CATEGORY_NAME", "", "category_name", 1, 64,           \
      "categories: name")                                                                          \
    /* chats: how they are classified */                                                           \
    X(TEXT, categories_file, "CATEGORIES_FILE", "", "", 0, 4096,                                   \
      "file of categories, made like config/categories.json; empty: the shipped one")              \
    X(TEXT, categories_from, "CATEGORIES_FROM", "", "auto", 4, 5,                                  \
      "table, file, or auto: the table of categories where it has rows, else the file")            \
    X(TEXT, excluded_categories, "BATCH_EXCLUDE_CATEGORY_IDS", "", "", 0, 1024,                    \
      "categories that are never used: numbers with commas")                                       \
    X(INT, default_category_id, "BATCH_DEFAULT_CATEGORY_ID", "", "11", 0, 2147483647,              \
      "written back for a category that the table does not name; 0: no row")                       \
    X(INT, chats_per_call, "CLASSIFICATION_BATCH_SIZE", "chats", "5", 1, 50,                       \
      "chats of one call, as far as HCX_MAX_TOKENS has room for their answers")                    \
    X(INT, batch_call_count_max, "PARALLEL_MAX_WORKERS", "calls", "32", 1, 256,                    \
      "classification calls under way at once; the limits per minute hold all the same")           \
    X(INT, batch_page_size, "PARALLEL_CHUNK_SIZE", "chats", "500", 1, 1000,                        \
      "questions taken from the queue at a time")                                                  \
    X(INT, batch_retry_count, "BATCH_MAX_RETRY", "", "3", 1, 20,                                   \
      "times a chat without a usable answer is asked alone before it has failed")                  \
    X(INT, batch_retry_s, "BATCH_RETRY_DELAY", "s", "1", 0, 600,                                   \
      "first wait when the model is away; it doubles up to 30 s")                                  \
    X(INT, batch_timeout_s, "BATCH_TIMEOUT", "s", "300", 1, 86400,                                 \
      "a call is given up when the model has been away for so long")                               \
    X(TEXT, hcx_temperature, "HCX_TEMPERATURE", "", "0.1", 1, 8,                                   \
      "sampling temperature of the classification, 0 to 1")                                        \
    /* reports, mail, schedule */                                                                  \
    X(TEXT, report_dir, "REPORT_OUTPUT_DIR", "", "reports", 1, 4096,                               \
      "where workbooks are written")                                                               \
    X(INT, report_clean_days, "REPORT_CLEANUP_DAYS", "days", "30", 0, 36500,                       \
      "older workbooks are removed; 0 keeps all")                                                  \
    X(BOOL, report_clean, "REPORT_AUTO_CLEANUP", "", "true", 0, 0, "remove old workbooks")         \
    X(TEXT, report_link, "REPORT_LINK_BASE", "", "", 0, 2048,                                      \
      "address under which REPORT_OUTPUT_DIR can be opened, for mails without the workbook")       \
    X(TEXT, org_name, "ORG_NAME", "", "", 0, 200, "organisation on the report's cover")            \
    X(BOOL, email_enabled, "EMAIL_ENABLED", "", "true", 0, 0, "send mails at all")                 \
    X(TEXT, smtp_server, "SMTP_SERVER", "", "smtp.gmail.com", 0, 255, "mail server")               \
    X(INT, smtp_port, "SMTP_PORT", "", "587", 1, 65535, "its port; 465 means TLS from the start")  \
    X(TEXT, smtp_security, "SMTP_SECURITY", "", "auto", 3, 8,                                      \
      "auto, starttls, tls or none; auto: TLS on port 465, to this machine STARTTLS when it is "   \
      "offered, else STARTTLS")                                                                    \
    X(TEXT, smtp_ca_file, "SMTP_CA_FILE", "", "", 0, 4096,                                         \
      "PEM file to trust for the mail server; empty: the system's")                                \
    X(TEXT, smtp_user, "SMTP_USER", "", "", 0, 255, "login; empty: SENDER_EMAIL")                  \
    X(TEXT, sender_email, "SENDER_EMAIL", "", "", 0, 254, "sender of the mails")                   \
    X(TEXT, sender_name, "SENDER_NAME", "", "", 0, 200, "name beside it")                          \
    X(SECRET, sender_password, "SENDER_PASSWORD", "", "", 0, 1024, "password; empty: no login")    \
    X(TEXT, recipient_emails, "RECIPIENT_EMAILS", "", "", 0, 8192, "recipients, with commas")      \
    X(INT, email_timeout_s, "EMAIL_TIMEOUT", "s", "30", 1, 600,                                    \
      "longest silence of the mail server")                                                        \
    X(INT, email_attachment_mb_max, "EMAIL_MAX_ATTACHMENT_MB", "MB", "10", 0, 40,                  \
      "larger workbooks are told by link or path instead")                                         \
    X(TEXT, cron_schedule, "CRON_SCHEDULE", "", "", 0, 200,                                        \
      "when the server does the nightly batch, like 0 1 * * * in TZ; empty: it does not")          \
    X(BOOL, cron_email, "CRON_EMAIL", "", "true", 0, 0, "mail the nightly batch and its report")   \
    X(TEXT, sync_cron, "SYNC_CRON", "", "", 0, 200,                                                \
      "when the server syncs tickets and articles by itself; empty: it does not")                  \
    X(BOOL, log_files, "FILE_LOG", "", "false", 0, 0, "the server also writes daily log files")    \
    X(TEXT, log_dir, "LOG_DIR", "", "logs", 1, 4096, "where they go")                              \
    X(TEXT, log_file, "LOG_FILE", "", "deskstream.log", 1, 128,                                    \
      "their name; the day comes before .log")                                                     \
    X(INT, log_file_mb_max, "MAX_LOG_SIZE_MB", "MB", "10", 1, 1024,                                \
      "a log file is turned over at this size")                                                    \
    X(INT, log_file_count, "LOG_BACKUP_COUNT", "", "3", 1, 100, "parts of a day that are kept")    \
    /* vectors */                                                                                  \
    X(URL, qdrant_url, "QDRANT_URL", "", "", 0, 2048, "Qdrant's REST address; empty: pgvector")    \
    X(TEXT, qdrant_host, "QDRANT_HOST", "", "", 0, 255, "old form of QDRANT_URL: host name")       \
    X(INT, qdrant_port, "QDRANT_PORT", "", "6333", 1, 65535, "old form of QDRANT_URL: port")       \
    X(BOOL, qdrant_https, "QDRANT_USE_HTTPS", "", "false", 0, 0, "old form of QDRANT_URL: TLS")    \
    X(SECRET, qdrant_api_key, "QDRANT_API_KEY", "", "", 0, 4096, "Qdrant's api-key")               \
    X(INT, vector_exact_rows_max, "VECTOR_EXACT_ROWS_MAX", "rows", "20000", 100, 10000000,         \
      "rows of a tenant up to which vectors are scanned exactly, without an index")                \
    X(TEXT, retrieval_mode, "RETRIEVAL_MODE", "", "hybrid", 4, 7,                                  \
      "how similar items are found: hybrid, or for measuring vectors or text alone")               \
    /* Freshdesk */                                                                                \
    X(TEXT, freshdesk_domain, "FRESHDESK_DOMAIN", "", "", 0, 255,                                  \
      "account used when a request names none: acme, acme.freshdesk.com or its URL")               \
    X(SECRET, freshdesk_api_key, "FRESHDESK_API_KEY", "", "", 0, 256, "API key of that account")   \
    X(URL, freshdesk_base_url, "FRESHDESK_BASE_URL", "", "", 0, 2048,                              \
      "stand-in for every Freshdesk domain; the domain goes into the Host header")                 \
    X(INT, freshdesk_per_minute, "FRESHDESK_RATE_PER_MINUTE", "calls/min", "0", 0, 10000000,       \
      "calls allowed a minute until Freshdesk's headers tell; 0 starts at 50 and learns")          \
    X(INT, freshdesk_list_per_minute, "FRESHDESK_LIST_RATE_PER_MINUTE", "calls/min", "0", 0,       \
      10000000, "sub-limit of ticket lists; 0 derives it from the total")                          \
    X(INT, freshdesk_share_percent, "FRESHDESK_SHARE_PERCENT", "%", "100", 1, 100,                 \
      "share of the account's allowance that we may use")                                          \
    X(INT, freshdesk_window_ms, "FRESHDESK_RATE_WINDOW_MS", "ms", "60000", 100, 3600000,           \
      "window of those limits; some old accounts are counted by the hour")                         \
    X(TEXT, company_id, "COMPANY_ID", "", "", 0, 128, "company used when a request names none")    \
    /* language models */                                                                          \
    X(TEXT, llm_order, "LLM_ORDER", "", "clova,openai,anthropic", 0, 256,                          \
      "providers in the order they are tried; those without a key are left out")                   \
    X(URL, hcx_base_url, "HCX_BASE_URL", "", "https://clovastudio.stream.ntruss.com", 0, 2048,     \
      "CLOVA Studio's address, with a path prefix where an old key needs one")                     \
    X(SECRET, hcx_api_key, "HCX_CHAT_API_KEY", "", "", 0, 4096, "CLOVA Studio key (nv-...)")       \
    X(TEXT, hcx_model, "HCX_MODEL", "", "HCX-005", 1, 64, "chat model")                            \
    X(TEXT, hcx_json_model, "HCX_JSON_MODEL", "", "HCX-007", 0, 64,                                \
      "model for answers by JSON schema; empty uses HCX_MODEL with a strict prompt")               \
    X(INT, hcx_per_minute, "HCX_MAX_REQUESTS_PER_MINUTE", "calls/min", "60", 1, 100000,            \
      "chat calls a minute")                                                                       \
    X(INT, hcx_tokens_per_minute, "HCX_MAX_TOKENS_PER_MINUTE", "tokens/min", "60000", 1000,        \
      100000000, "chat tokens a minute: input plus requested output")                              \
    X(INT, hcx_max_tokens, "HCX_MAX_TOKENS", "tokens", "1000", 16, 32768, "output of one answer")  \
    X(INT, embedding_per_minute, "EMBEDDING_MAX_REQUESTS_PER_MINUTE", "calls/min", "60", 1,        \
      1000000, "embedding calls a minute")                                                         \
    X(INT, embedding_tokens_per_minute, "EMBEDDING_MAX_TOKENS_PER_MINUTE", "tokens/min", "40000",  \
      1000, 1000000000, "embedding tokens a minute")                                               \
    X(URL, embedding_base_url, "EMBEDDING_BASE_URL", "", "", 0, 2048,                              \
      "OpenAI-compatible embeddings; empty uses CLOVA Studio's")                                   \
    X(TEXT, embedding_model, "EMBEDDING_MODEL", "", "bge-m3", 1, 128,                              \
      "embedding model name; 1024 dimensions")                                                     \
    X(SECRET, embedding_api_key, "EMBEDDING_API_KEY", "", "", 0, 4096,                             \
      "key for EMBEDDING_BASE_URL")                                                                \
    X(URL, openai_base_url, "OPENAI_BASE_URL", "", "https://api.openai.com/v1", 0, 2048,           \
      "OpenAI-compatible chat")                                                                    \
    X(SECRET, openai_api_key, "OPENAI_API_KEY", "", "", 0, 4096, "key for it")                     \
    X(TEXT, openai_model, "OPENAI_MODEL", "", "gpt-4o-mini", 1, 128, "model for it")               \
    X(URL, anthropic_base_url, "ANTHROPIC_BASE_URL", "", "https://api.anthropic.com", 0, 2048,     \
      "Anthropic Messages")                                                                        \
    X(SECRET, anthropic_api_key, "ANTHROPIC_API_KEY", "", "", 0, 4096, "key for it")               \
    X(INT, first_token_timeout_ms, "LLM_FIRST_TOKEN_TIMEOUT_MS", "ms", "30000", 1000, 600000,      \
      "a model that has said nothing by then has failed")                                          \
    X(INT, token_timeout_ms, "LLM_IDLE_TIMEOUT_MS", "ms", "45000", 1000, 600000,                   \
      "longest silence inside an answer")                                                          \
    X(TEXT, language, "ORG_LANGUAGE", "", "ko", 2, 8,                                              \
      "language of answers when none is asked for")                                                \
    X(TEXT, timezone, "TZ", "", "Asia/Seoul", 0, 64, "zone for days and schedules")                \
    /* sync */                                                                                     \
    X(INT, sync_embed_count_max, "SYNC_EMBED_CONCURRENCY", "", "32", 1, 256,                       \
      "embedding calls under way at once")                                                         \
    X(INT, sync_thread_count_max, "SYNC_FETCH_CONCURRENCY", "", "16", 1, 256,                      \
      "conversation lists fetched at once")                                                        \
    X(BOOL, sync_extract, "SYNC_EXTRACT", "", "false", 0, 0,                                       \
      "let the model split tickets into symptom, cause and resolution")                            \
    /* collector */                                                                                \
    X(INT, chunk_size, "CHUNK_SIZE", "tickets", "5000", 1, 1000000, "tickets of one chunk file")   \
    X(TEXT, request_delay, "REQUEST_DELAY", "s", "", 0, 16,                                        \
      "least time between two list pages of a slice; empty: only the budget counts")               \
    X(INT, retry_count_max, "MAX_RETRIES", "", "10", 0, 100, "further tries of a bulk call")       \
    X(INT, save_interval, "SAVE_INTERVAL", "tickets", "500", 1, 1000000,                           \
      "progress is saved after so many tickets, at most once a second")                            \
    X(INT, collect_slice_count, "COLLECT_SLICES", "", "4", 1, 32, "parts of time walked at once")  \
    X(INT, collect_thread_count, "COLLECT_THREADS", "", "32", 1, 256,                              \
      "conversation lists fetched at once")                                                        \
    X(INT, disk_pause_percent, "DISK_PAUSE_PERCENT", "%", "90", 1, 100,                            \
      "collecting pauses while the disk is this full")                                             \
    X(INT, memory_warn_percent, "MEMORY_WARN_PERCENT", "%", "80", 1, 100,                          \
      "above this the collector warns and works in smaller batches")
