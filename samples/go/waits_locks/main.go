// Every way to wait in package sync; the goroutines that hold what others wait for sleep.
package main

import (
	"sync"
	"time"

	"samples/truth"
)

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
	held <- true
	time.Sleep(1000 * time.Hour)
	locker.Unlock()
}

func lockMutex(g *guarded)       { g.mutex.Lock(); g.number++; g.mutex.Unlock() }
func lockReading(g *guarded)     { g.written.RLock(); println(g.number); g.written.RUnlock() }
func lockWriting(g *guarded)     { g.read.Lock(); g.number++; g.read.Unlock() }
func lockWritingNext(g *guarded) { g.written.Lock(); g.number++; g.written.Unlock() }
func waitForJobs(g *guarded)     { g.jobs.Wait() }
func waitForOnce(g *guarded)     { g.once.Do(func() { g.number = 7 }) }

func stayInOnce(g *guarded, inside chan<- bool) {
	g.once.Do(func() {
		inside <- true
		time.Sleep(1000 * time.Hour)
	})
}

func waitForChange(g *guarded) {
	g.changed.L.Lock()
	defer g.changed.L.Unlock()
	for g.number == 0 {
		g.changed.Wait()
	}
}

func main() {
	g := &guarded{}
	g.changed = sync.NewCond(&g.shared)
	g.jobs.Add(2)
	held := make(chan bool)
	for _, locker := range []sync.Locker{&g.mutex, g.read.RLocker(), &g.written} {
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
