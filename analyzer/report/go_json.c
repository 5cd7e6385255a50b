#include "report/go_json.h"

#include "report/go_words.h"

static void add_known(struct json_out *json, const char *key, int64_t value)
{
	if (value < 0)
		json_out_null(json, key);
	else
		json_out_int(json, key, value);
}

void go_json_add(struct json_out *json, const struct coreleaks_go *go)
{
	if (go == NULL) {
		json_out_null(json, "go");
		return;
	}
	json_out_begin(json, "go", '{', JSON_INLINE);
	json_out_text(json, "version", go->version);
	json_out_bool(json, "recognised", go->recognised);
	add_known(json, "threads", go->num_threads);
	add_known(json, "idle_threads", go->num_idle_threads);
	add_known(json, "goroutines", go->num_goroutines);
	add_known(json, "system_goroutines", go->num_system);
	add_known(json, "dead_goroutines", go->num_dead);
	add_known(json, "num_goroutine", go->num_goroutine);
	add_known(json, "created_goroutines", go->num_created);
	add_known(json, "gomaxprocs", go->gomaxprocs);
	add_known(json, "gc_cycles", go->num_gcs);
	add_known(json, "heap_bytes", go->heap_size);
	add_known(json, "stack_bytes", go->stack_size);
	add_known(json, "uptime_ns", go->uptime_ns);
	add_known(json, "last_gc_age_ns", go->last_gc_age_ns);
	add_known(json, "runtime_marked_leaked", go->num_marked_leaked);
	add_known(json, "goroutine_bytes", go->g_size);
	json_out_text(json, "words", go_words_program(json->out.arena, go, "·"));
	json_out_end(json, '}');
}
