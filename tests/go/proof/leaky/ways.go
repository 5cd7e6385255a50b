package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

type request struct {
	id    int
	reply chan string
	next  *request
}

type service struct {
	name     string
	requests chan *request
	quit     chan struct{}
	mu       sync.Mutex
	workers  []*request
	pages    [80]*request
}

type tree struct {
	left, right *tree
	out         chan int
}

func (s *service) loop() {
	for {
		select {
		case r := <-s.requests:
			r.reply <- s.name
		case <-s.quit:
			return
		}
	}
}

func (t *tree) walk() {
	if t == nil {
		return
	}
	t.left.walk()
	t.out <- 1
	t.right.walk()
}

func generate(n int) <-chan int {
	c := make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			c <- i
		}
		close(c)
	}()
	return c
}

func square(in <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for n := range in {
			out <- n * n
		}
	}()
	return out
}

func merge(ins ...<-chan int) <-chan int {
	var wg sync.WaitGroup
	out := make(chan int)
	for _, in := range ins {
		wg.Add(1)
		go func(in <-chan int) {
			for n := range in {
				out <- n
			}
			wg.Done()
		}(in)
	}
	go func() { wg.Wait(); close(out) }()
	return out
}

func firstOf(n int) int {
	c := make(chan int)
	for i := 0; i < n; i++ {
		go func(i int) { c <- i }(i)
	}
	return <-c
}

func work(ctx context.Context) (int, error) {
	c := make(chan int)
	go func() { c <- 1 }()
	select {
	case n := <-c:
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func failing() error {
	results, errs := make(chan int), make(chan error)
	go func() { results <- 1 }()
	go func() { errs <- errors.New("failed") }()
	return <-errs
}

func init() {
	ways["receive"] = func() {
		c := make(chan int)
		go func() { <-c }()
	}
	ways["send"] = func() {
		c := make(chan *request)
		go func() { c <- &request{id: 3} }()
	}
	ways["range"] = func() {
		c := make(chan int, 3)
		go func() {
			for range c {
			}
		}()
		c <- 1
		c <- 2
	}
	ways["full buffer"] = func() {
		c := make(chan [20]byte, 2)
		go func() {
			for {
				c <- [20]byte{}
			}
		}()
	}
	ways["nil receive"] = func() {
		var c chan int
		go func() { <-c }()
	}
	ways["nil send"] = func() {
		var c chan int
		go func() { c <- 1 }()
	}
	ways["select of nil channels"] = func() {
		var a, b chan int
		go func() {
			select {
			case <-a:
			case b <- 1:
			}
		}()
	}
	ways["empty select"] = func() { go func() { select {} }() }
	ways["select"] = func() {
		a, b := make(chan int), make(chan string)
		go func() {
			select {
			case <-a:
			case b <- "":
			}
		}()
	}
	ways["large select"] = func() {
		var c [12]chan int
		for i := range c {
			c[i] = make(chan int)
		}
		go func() {
			select {
			case <-c[0]:
			case <-c[1]:
			case <-c[2]:
			case <-c[3]:
			case c[4] <- 1:
			case c[5] <- 1:
			case <-c[6]:
			case <-c[7]:
			case <-c[8]:
			case <-c[9]:
			case <-c[10]:
			case <-c[11]:
			}
		}()
	}
	ways["first answer"] = func() { firstOf(5) }
	ways["early return"] = func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		work(ctx)
	}
	ways["error path"] = func() { failing() }
	ways["background context"] = func() { go func() { <-context.Background().Done() }() }
	ways["lost cancel"] = func() {
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-ctx.Done() }()
		_ = cancel
	}
	ways["lost cancel of a value context"] = func() {
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), &keep, 3))
		inner, stop := context.WithCancel(ctx)
		go func() {
			select {
			case <-inner.Done():
			case <-make(chan int):
			}
		}()
		_, _ = cancel, stop
	}
	ways["pipeline"] = func() {
		for range square(square(generate(10))) {
			return
		}
	}
	ways["merge"] = func() {
		out := merge(generate(4), square(generate(4)))
		<-out
	}
	ways["service without quit"] = func() {
		s := &service{name: "s", requests: make(chan *request), quit: make(chan struct{})}
		for i := 0; i < 3; i++ {
			go s.loop()
		}
		r := &request{reply: make(chan string)}
		s.requests <- r
	}
	ways["abandoned tree walk"] = func() {
		root := &tree{out: make(chan int)}
		root.left = &tree{out: root.out}
		root.right = &tree{out: root.out}
		go func() { root.walk(); close(root.out) }()
		<-root.out
	}
	ways["mutex locked twice"] = func() {
		s := &service{}
		go func() { s.mu.Lock(); s.mu.Lock() }()
	}
	ways["mutex never unlocked"] = func() {
		s := &service{}
		s.mu.Lock()
		for i := 0; i < 3; i++ {
			go func() { s.mu.Lock(); s.mu.Unlock() }()
		}
	}
	ways["deadlock of two mutexes"] = func() {
		a, b := &service{}, &service{}
		ready := make(chan bool, 2)
		go func() { a.mu.Lock(); ready <- true; time.Sleep(time.Millisecond); b.mu.Lock() }()
		go func() { b.mu.Lock(); ready <- true; time.Sleep(time.Millisecond); a.mu.Lock() }()
		<-ready
		<-ready
	}
	ways["small mutex"] = func() {
		mu := new(sync.Mutex)
		mu.Lock()
		go func() { mu.Lock() }()
	}
	ways["reader behind a writer"] = func() {
		rw := new(sync.RWMutex)
		rw.RLock()
		go func() { rw.Lock() }()
		time.Sleep(time.Millisecond)
		go func() { rw.RLock() }()
	}
	ways["readers of a locked one"] = func() {
		rw := &struct {
			a [30]int
			sync.RWMutex
		}{}
		rw.Lock()
		for i := 0; i < 3; i++ {
			go func() { rw.RLock() }()
		}
	}
	ways["wait group without done"] = func() {
		var wg sync.WaitGroup
		wg.Add(2)
		go func() { wg.Wait() }()
		go func() { defer wg.Done() }()
	}
	ways["condition without signal"] = func() {
		cond := sync.NewCond(new(sync.Mutex))
		for i := 0; i < 3; i++ {
			go func() { cond.L.Lock(); cond.Wait() }()
		}
	}
	ways["once in itself"] = func() {
		once := new(sync.Once)
		go func() { once.Do(func() { once.Do(func() {}) }) }()
	}
	ways["pipe"] = func() {
		r, w := io.Pipe()
		go func() { w.Write([]byte("xyz")) }()
		r.Read(make([]byte, 1))
	}
	ways["ring of waiters"] = func() {
		const n = 5
		var c [n]chan int
		for i := range c {
			c[i] = make(chan int)
		}
		for i := range c {
			go func(i int) { c[(i+1)%n] <- <-c[i] }(i)
		}
	}
	ways["callers of a dead server"] = func() {
		requests := make(chan *request)
		for i := 0; i < 4; i++ {
			go func() {
				r := &request{reply: make(chan string)}
				requests <- r
				<-r.reply
			}()
		}
	}
	ways["replies that nobody reads"] = func() {
		s := &service{requests: make(chan *request), quit: make(chan struct{})}
		go s.loop()
		for i := range s.pages {
			s.pages[i] = &request{reply: make(chan string)}
		}
		s.requests <- s.pages[7]
	}
	ways["kept: receive"] = func() {
		c := make(chan int)
		keep = append(keep, c)
		go func() { <-c }()
	}
	ways["kept: chain"] = func() {
		a, b := make(chan int), make(chan int)
		keep = append(keep, a)
		go func() { <-a; close(b) }()
		go func() { <-b }()
	}
	ways["kept: timer"] = func() {
		c := make(chan int)
		time.AfterFunc(time.Hour, func() { close(c) })
		go func() { <-c }()
	}
	ways["kept: wide"] = func() {
		s := &service{quit: make(chan struct{})}
		keep = append(keep, s)
		go s.loop()
	}
	ways["kept: lock"] = func() {
		s := &service{}
		s.mu.Lock()
		keep = append(keep, s)
		go func() { s.mu.Lock() }()
	}
}
