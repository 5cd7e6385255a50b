// Every way to wait in package sync; the goroutines that hold what others wait for sleep.
package main

import (
	"fmt"
	"sync"
	"time"

	"samples/truth"
)

const long = 1000 * time.Hour

var written = []string{"write_locked=true", "readers=0", "writer_waits=false"}

type guarded struct {
	mutex   sync.Mutex
	shared  sync.RWMutex
	read    sync.RWMutex
	written sync.RWMutex
	once    sync.Once
	jobs    sync.WaitGroup
	changed *sync.Cond
	values  sync.Map
	number  int
}

func hold(locker sync.Locker, held chan<- bool) {
	locker.Lock()
	truth.Uses(locker)
	held <- true
	truth.Sleeping(long)
	time.Sleep(long)
	locker.Unlock()
}

func lockMutex(g *guarded) {
	truth.OnObject("go-mutex", &g.mutex, "locked=true", "waiters=3")
	g.mutex.Lock()
	g.number++
	g.mutex.Unlock()
}

func lockReading(g *guarded) {
	truth.OnObject("go-rwmutex", &g.written, written...)
	g.written.RLock()
	println(g.number)
	g.written.RUnlock()
}

func lockWriting(g *guarded) {
	truth.OnObject("go-rwmutex", &g.read, "write_locked=false", "readers=2",
		"writer_waits=true")
	g.read.Lock()
	g.number++
	g.read.Unlock()
}

func lockWritingNext(g *guarded) {
	truth.OnObject("go-rwmutex", &g.written, written...)
	g.written.Lock()
	g.number++
	g.written.Unlock()
}

func waitForJobs(g *guarded) {
	truth.OnObject("waitgroup", &g.jobs, "counter=2", "waiters=2")
	g.jobs.Wait()
}

func waitForOnce(g *guarded) {
	// The Once's own mutex: nothing outside of it has its address.
	g.once.Do(func() { g.number = 7 })
}

func stayInOnce(g *guarded, inside chan<- bool) {
	g.once.Do(func() {
		inside <- true
		truth.Sleeping(long)
		time.Sleep(long)
	})
}

func waitForChange(g *guarded) {
	g.changed.L.Lock()
	defer g.changed.L.Unlock()
	truth.OnObject("go-cond", g.changed, fmt.Sprintf("locker=%p", &g.shared))
	for g.number == 0 {
		g.changed.Wait()
	}
}

func main() {
	g := &guarded{}
	g.changed = sync.NewCond(&g.shared)
	g.jobs.Add(2)
	held := make(chan bool)
	for _, locker := range []sync.Locker{&g.mutex, g.read.RLocker(), g.read.RLocker(),
		&g.written} {
		go hold(locker, held)
		<-held
	}
	go stayInOnce(g, held)
	<-held
	for i := 0; i < 3; i++ {
		go lockMutex(g)
		go lockReading(g)
		go waitForChange(g)
	}
	go lockWriting(g)
	go lockWritingNext(g)
	go lockWritingNext(g)
	go waitForJobs(g)
	go waitForJobs(g)
	go waitForOnce(g)
	truth.Ready(0)
	truth.Rest()
	println(g.number)
}
