#include "sandbox/control.h"
#include "sandbox/desk.h"
#include "sandbox/model.h"

/*
 * Every route of the sandbox, first match wins. Solutions routes come twice, the second with a
 * language at the end. What is not listed under /api/v2/ is a credit and 404, as with the vendor.
 */

#define API "/api/v2/"
#define BODY_MAX ((size_t)50 << 20)

#define GET(path, fn)                                                                              \
    {                                                                                              \
        .method = "GET", .pattern = path, .handler = fn                                            \
    }
#define POST(path, fn)                                                                             \
    {                                                                                              \
        .method = "POST", .pattern = path, .handler = fn, .body_bytes_max = BODY_MAX               \
    }

const struct http_route sandbox_routes[] = {
    GET(API "tickets", desk_list),
    GET(API "tickets/archived/{id}", desk_archived),
    GET(API "tickets/archived/{id}/conversations", desk_archived_conversations),
    GET(API "tickets/{id}", desk_view),
    GET(API "tickets/{id}/conversations", desk_conversations),
    GET(API "search/tickets", desk_search),
    GET(API "search/solutions", desk_search_solutions),
    GET(API "solutions/categories", desk_categories),
    GET(API "solutions/categories/{id}", desk_category),
    GET(API "solutions/categories/{id}/folders", desk_folders),
    GET(API "solutions/categories/{id}/folders/{lang}", desk_folders),
    GET(API "solutions/folders/{id}", desk_folder),
    GET(API "solutions/folders/{id}/articles", desk_articles),
    GET(API "solutions/folders/{id}/articles/{lang}", desk_articles),
    GET(API "solutions/folders/{id}/subfolders", desk_subfolders),
    GET(API "solutions/folders/{id}/subfolders/{lang}", desk_subfolders),
    GET(API "solutions/articles/{id}", desk_article),
    GET(API "solutions/articles/{id}/{lang}", desk_article),
    GET(API "agents/me", desk_me),
    GET(API "agents/{id}", desk_agent),
    GET(API "agents", desk_agents),
    GET(API "groups", desk_groups),
    GET(API "account", desk_account),
    GET(API "ticket_fields", desk_ticket_fields),
    GET(API "settings/helpdesk", desk_settings),
    GET(API "contacts/{id}", desk_contact),
    GET(API "{rest*}", desk_unknown),
    POST("/v3/chat-completions/{model}", clova_chat),
    POST("/v1/api-tools/embedding/v2", clova_embedding),
    POST("/v1/api-tools/embedding/v2/", clova_embedding),
    POST("/v1/api-tools/embedding/v2/tokenize", clova_tokenize),
    POST("/v1/openai/chat/completions", openai_chat),
    POST("/v1/openai/embeddings", openai_embeddings),
    GET("/v1/openai/models", openai_models),
    POST("/v1/chat/completions", openai_chat),
    POST("/v1/embeddings", openai_embeddings),
    GET("/v1/models", openai_models),
    POST("/sandbox/control", control_set),
    GET("/sandbox/stats", control_stats),
    GET("/sandbox/truth/{ticket_id}", control_truth),
    GET("/sandbox/holdout", control_holdout),
    GET("/sandbox/chats", control_chats),
    GET("/sandbox/attachments/{id}/{name}", desk_attachment),
};

size_t sandbox_route_count(void)
{
    return ARRAY_COUNT(sandbox_routes);
}
