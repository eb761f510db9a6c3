/* The description of the API, served as it stands in the source. */
#include "web/web_int.h"

#include "base/embed.h"

EMBEDDED(openapi)

void on_openapi(struct request *r)
{
	buf_add(&r->out, openapi_files[0].data, openapi_files[0].size);
	request_send_json(r, 200);
}
