/* simdjson's DOM parser: UTF-8, grammar and numbers checked, a tape as the result. Reused parser. */
#include "rivals.h"

#include <simdjson.h>

extern "C" bool parse_simdjson(const char *p, size_t n)
{
    static simdjson::dom::parser parser;
    simdjson::dom::element root;
    return parser.parse(p, n, false).get(root) == simdjson::SUCCESS;
}

extern "C" const char *simdjson_kernel(void)
{
    static std::string name;
    name = simdjson::get_active_implementation()->name();
    return name.c_str();
}
