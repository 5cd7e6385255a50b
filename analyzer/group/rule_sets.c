#include "group/rules.h"

#include <string.h>

/* The sets "native" and "runtime" are no lines of text: system_threads.c and the Go runtime's own
 * word decide, by whole stacks. What they cover stands here as comments, for --list-rules.
 *
 * Sources: goleak 1.3 (options.go, testmain.go), gleak of gomega 1.27, leaktest 1.3, net/http's
 * main_test.go of Go 1.22, and public lists of goleak options for "third-party", which holds only
 * while there are few: nobody keeps hundreds of a process's one flusher. */
static const char sets_text[] =
	"# Built-in rules. A rule never hides what is proved or likely.\n"
	"\n"
	"[runtime]\n"
	"# Goroutines of the Go runtime itself: those whose start function is one of its own, but\n"
	"# runtime.main, runtime.corostart, and the finalizers' while they run the program's "
	"code.\n"
	"\n"
	"[native]\n"
	"# Threads that park in the loop of one of these, all frames accounted for:\n"
	"# Java VM, Node.js, V8, jemalloc, GLib, libuv, OpenMP, oneTBB, Go runtime, io_uring,\n"
	"# MariaDB thread pool, nginx thread pool.\n"
	"\n"
	"[testing]\n"
	"ignore testing.RunTests [chan receive] reason=\"waits for tests\"\n"
	"ignore testing.(*T).Run [chan receive] max=64 reason=\"waits for a subtest\"\n"
	"ignore testing.(*T).Parallel [chan receive] max=1000 reason=\"waits for its turn\"\n"
	"ignore testing.runFuzzing [chan receive] reason=\"waits for fuzzing\"\n"
	"ignore testing.runFuzzTests [chan receive] reason=\"waits for fuzzing\"\n"
	"ignore in github.com/onsi/ginkgo/v2/internal.(*Suite).runNode... max=16 "
	"reason=\"Ginkgo's runner\"\n"
	"ignore in github.com/onsi/ginkgo/v2/internal/interrupt_handler."
	"(*InterruptHandler).registerForInterrupts... max=16 reason=\"Ginkgo's runner\"\n"
	"ignore in github.com/onsi/ginkgo/internal/specrunner.(*SpecRunner).registerForInterrupts "
	"max=16 reason=\"Ginkgo's runner\"\n"
	"\n"
	"[signal]\n"
	"ignore os/signal.signal_recv max=1 reason=\"waits for signals\"\n"
	"ignore os/signal.loop max=1 reason=\"waits for signals\"\n"
	"ignore in runtime.ensureSigM... max=1 reason=\"delivers signals\"\n"
	"\n"
	"[std]\n"
	"ignore in runtime.ReadTrace max=1 reason=\"writes the execution trace\"\n"
	"ignore runtime/pprof.profileWriter max=1 reason=\"writes the CPU profile\"\n"
	"ignore runtime/pprof.readProfile max=1 reason=\"writes the CPU profile\"\n"
	"ignore in database/sql.(*DB).connectionOpener max=16 reason=\"lives as long as its DB\"\n"
	"ignore in database/sql.(*DB).connectionCleaner max=16 reason=\"lives as long as its DB\"\n"
	"ignore in database/sql.(*DB).connectionResetter max=16 "
	"reason=\"lives as long as its DB\"\n"
	"ignore in net/http.(*persistConn).readLoop max=100 "
	"reason=\"an idle connection of a Transport\"\n"
	"ignore in net/http.(*persistConn).writeLoop max=100 "
	"reason=\"an idle connection of a Transport\"\n"
	"ignore in net/http.(*http2ClientConn).readLoop max=100 "
	"reason=\"an idle connection of a Transport\"\n"
	"ignore in net/http.(*connReader).backgroundRead [IO wait] max=100 "
	"reason=\"watches for a client that goes away\"\n"
	"ignore in net/http/httptest.(*Server).goServe.func1 [IO wait] max=16 "
	"reason=\"an httptest.Server\"\n"
	"\n"
	"[third-party]\n"
	"ignore in go.opencensus.io/stats/view.(*worker).start max=16\n"
	"ignore in github.com/golang/glog.(*loggingT).flushDaemon max=16\n"
	"ignore in github.com/golang/glog.(*fileSink).flushDaemon max=16\n"
	"ignore in k8s.io/klog.(*loggingT).flushDaemon max=16\n"
	"ignore in k8s.io/klog/v2.(*loggingT).flushDaemon max=16\n"
	"ignore in k8s.io/klog/v2.(*flushDaemon).run.func1 max=16\n"
	"ignore in github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain max=16\n"
	"ignore in github.com/syndtr/goleveldb/leveldb.(*DB).tCompaction max=16\n"
	"ignore in github.com/syndtr/goleveldb/leveldb.(*DB).mCompaction max=16\n"
	"ignore in github.com/syndtr/goleveldb/leveldb.(*DB).compactionError max=16\n"
	"ignore in github.com/syndtr/goleveldb/leveldb/util.(*BufferPool).drain max=16\n"
	"ignore in github.com/rcrowley/go-metrics.(*meterArbiter).tick max=16\n"
	"ignore in gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun max=16\n"
	"ignore in google.golang.org/grpc.(*ccBalancerWrapper).watcher max=16\n"
	"ignore in google.golang.org/grpc.(*ccResolverWrapper).watcher max=16\n"
	"ignore in google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run max=16\n"
	"ignore in go.etcd.io/etcd/pkg/logutil.(*MergeLogger).outputLoop max=16\n"
	"ignore in github.com/blevesearch/bleve_index_api.AnalysisWorker max=16\n"
	"ignore in github.com/redis/go-redis/v9/internal/pool.startGlobalTimeCache.func1 max=16\n"
	"ignore in github.com/rollbar/rollbar-go.NewAsyncTransport.func1 max=16\n"
	"ignore in github.com/lib/pq.NewDialListener max=16\n"
	"ignore in github.com/caddyserver/certmagic.(*Cache).maintainAssets max=16\n"
	"ignore in github.com/open-feature/go-sdk/openfeature.(*eventExecutor)."
	"startEventListener.func1.1 max=16\n";

const char *rule_sets_text(void)
{
	return sets_text;
}

bool is_rule_set(const char *name)
{
	static const char *const names[] = {"runtime", "native", "testing",
					    "signal",  "std",	 "third-party"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}
