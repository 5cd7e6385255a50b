#include "task/go_facts.h"

struct builder {
	struct go_facts *facts;
	const struct go_runtime *runtime;
	struct image *image;
};

static uint64_t word_at(const struct builder *builder, uint64_t addr)
{
	uint64_t value;
	return addr != 0 && image_read_u64(builder->image, addr, &value) ? value : 0;
}

/* ---- Heap ---------------------------------------------------------------------------------- */

static void add_spans(struct go_facts *facts, const struct go_spans *spans)
{
	for (uint32_t i = 0; i < spans->list.num; i++) {
		const struct go_span *span = &spans->list.items[i];
		uint64_t *size =
			span->state == GO_SPAN_IN_USE ? &facts->heap_size : &facts->stack_size;
		*size = size_sum(*size, span->pages_high - span->base);
	}
	facts->heap_known = spans->known;
}

/* ---- Garbage collections ------------------------------------------------------------------- */

static void read_gcs(struct builder *builder)
{
	struct go_facts *facts = builder->facts;
	uint64_t addr = builder->runtime->gc_addr;
	uint64_t sweepgen_addr = go_runtime_sweepgen_addr(builder->runtime);
	uint64_t ring[GO_NUM_GC_ENDS];
	facts->num_gcs =
		sweepgen_addr != 0 ? (int64_t)((uint32_t)word_at(builder, sweepgen_addr) / 2) : -1;
	if (addr == 0)
		return;
	uint64_t unix_ns = word_at(builder, addr);
	facts->num_gcs = (int64_t)(uint32_t)word_at(builder, addr + GO_GC_COUNT_OFF);
	facts->last_gc_ns = (int64_t)word_at(builder, addr + GO_GC_NANOTIME_OFF);
	if (image_read(builder->image, addr + GO_GC_ENDS_OFF, ring, sizeof(ring)) != sizeof(ring))
		return;
	uint64_t num = facts->num_gcs < GO_NUM_GC_ENDS ? (uint64_t)facts->num_gcs : GO_NUM_GC_ENDS;
	for (uint64_t i = 0; i < num; i++) {
		/* GC number n, from 1, ended at ring[(n - 1) % 256]. */
		uint64_t n = (uint64_t)facts->num_gcs - num + i;
		uint64_t back = unix_ns - ring[n % GO_NUM_GC_ENDS];
		/* The wall clock was set meanwhile, or this is no ring of times. */
		if (facts->last_gc_ns <= 0 || back >= (uint64_t)facts->last_gc_ns)
			return;
		facts->gc_ends_ns[i] = facts->last_gc_ns - (int64_t)back;
	}
	facts->num_gc_ends = (uint32_t)num;
}

int64_t go_facts_gc_after(const struct go_facts *facts, int64_t since_ns)
{
	if (since_ns <= 0 || facts->num_gc_ends == 0)
		return 0;
	for (uint32_t i = 0; i < facts->num_gc_ends; i++)
		if (facts->gc_ends_ns[i] >= since_ns)
			return facts->num_gcs - facts->num_gc_ends + i + 1;
	return facts->num_gcs + 1;
}

/* A GC that meets a waiting goroutine gives it work.tstart (markroot, runtime/mgcmark.go), which is
 * set at the end of marking (gcMark, runtime/mgc.go; 1.19 to 1.27): it is the time of the GC
 * before, when the goroutine may not have waited yet, or have been. What is sure: it waited when
 * the next one's marking ended. */
int64_t go_facts_waits_since(const struct go_facts *facts, int64_t waitsince)
{
	if (waitsince <= 0)
		return 0;
	for (uint32_t i = 0; i + 1 < facts->num_gc_ends; i++)
		if (facts->gc_ends_ns[i] >= waitsince)
			return facts->gc_ends_ns[i + 1];
	return 0;
}

/* ---- Clock and counts ---------------------------------------------------------------------- */

static void note_time(struct go_facts *facts, uint64_t value)
{
	/* Three centuries: the field holds something else. */
	if ((int64_t)value > facts->now_ns && value < UINT64_C(10000000000000000000) / 2)
		facts->now_ns = (int64_t)value;
}

/* Every GC that starts the world again sets schedt.procresizetime; the word after it, totaltime, is
 * the sum of GOMAXPROCS over the time until then (runtime/proc.go procresize(), 1.19 to 1.27). */
static int64_t start_time(const struct go_facts *facts, uint64_t resized, uint64_t total)
{
	uint64_t before = facts->gomaxprocs != 0 ? total / facts->gomaxprocs : 0;
	return before < resized ? (int64_t)(resized - before) : 0;
}

static void read_scheduler(struct builder *builder, const struct goroutines *goroutines)
{
	const struct go_layout *layout = &builder->runtime->layout;
	const struct go_slice *allp = &builder->runtime->allp;
	struct go_facts *facts = builder->facts;
	uint64_t sched = builder->runtime->sched_addr, unused_ids = 0, created = 0;
	for (uint64_t i = 0; i < allp->num; i++) {
		uint64_t p = word_at(builder, allp->data_addr + 8 * i);
		uint64_t cache = p + (uint64_t)layout->p_goidcache;
		note_time(facts, word_at(builder, p + (uint64_t)layout->p_schedwhen));
		note_time(facts, word_at(builder, p + (uint64_t)layout->p_syscallwhen));
		unused_ids += word_at(builder, cache + 8) - word_at(builder, cache);
		if (layout->p_created >= 0)
			created += word_at(builder, p + (uint64_t)layout->p_created);
	}
	for (uint32_t i = 0; i < goroutines->commons.num; i++)
		note_time(facts, (uint64_t)goroutines->commons.items[i].wait_since);
	note_time(facts, (uint64_t)facts->last_gc_ns);
	facts->gomaxprocs = (uint32_t)allp->num;
	facts->num_system = -1;
	if (sched == 0)
		return;
	note_time(facts, word_at(builder, sched + (uint64_t)layout->sched_lastpoll));
	uint64_t resized = word_at(builder, sched + (uint64_t)layout->sched_resized);
	/* Nothing shows whether another layout has it there. */
	if (layout->minor != GO_NONE) {
		note_time(facts, resized);
		facts->start_ns =
			start_time(facts, resized,
				   word_at(builder, sched + (uint64_t)layout->sched_resized + 8));
	}
	facts->num_system =
		(int32_t)(uint32_t)word_at(builder, sched + (uint64_t)layout->sched_ngsys);
	/* Ids are handed out in batches to the processors (schedt.goidgen is its first word). */
	uint64_t ids = word_at(builder, sched);
	if (layout->sched_created >= 0 && allp->num > 0)
		facts->num_created =
			created + word_at(builder, sched + (uint64_t)layout->sched_created);
	else if (allp->num > 0 && unused_ids <= 16 * allp->num && ids >= unused_ids)
		facts->num_created = ids - unused_ids;
	if (allp->num > 0 && unused_ids <= 16 * allp->num && ids >= unused_ids)
		facts->last_id = ids;
	/* A million a second for three years. */
	if (facts->num_created > UINT64_C(100000000000000))
		facts->num_created = 0;
}

void go_facts_build(struct go_facts *ret, const struct go_runtime *runtime,
		    const struct goroutines *goroutines, const struct go_spans *spans,
		    struct image *image)
{
	struct builder builder = {.facts = ret, .runtime = runtime, .image = image};
	*ret = (struct go_facts){.num_gcs = -1, .num_system = -1};
	if (!runtime->recognised)
		return;
	add_spans(ret, spans);
	read_gcs(&builder);
	read_scheduler(&builder, goroutines);
}
