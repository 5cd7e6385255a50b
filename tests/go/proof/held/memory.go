package main

import (
	"container/list"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Where in memory a channel can be kept.

type pair struct {
	padding [3]int
	c       chan int
}

type nested struct {
	next *nested
	pair *pair
}

type wide struct { // more than 512 bytes: its first word in the heap is its type
	padding [70]int
	name    string
	c       chan int
	tail    [5]int
}

type huge struct { // larger than any size class
	rows [3000]struct {
		number int
		c      chan int
		text   string
	}
}

type closer interface{ end() }

func (p *pair) end() { close(p.c) }

var (
	plain        chan int
	byName       = map[string]chan int{}
	byChannel    = map[chan int]bool{}
	byInterface  = map[interface{}]interface{}{}
	byNumber     = map[int]pair{}
	anything     interface{}
	aCloser      closer
	chain        *nested
	interior     *chan int
	slice        []chan int
	middle       []pair // of an array that nothing else points to
	array        *[9]chan int
	inBuffer     = make(chan chan int, 2)
	syncMap      sync.Map
	rawPointer   unsafe.Pointer
	pool         sync.Pool
	value        atomic.Value
	aWide        *wide
	aHuge        *huge
	linked       = list.New()
	function     func()
	methodValue  func()
	madeFunction func()
	inArray      [4]struct {
		number int
		c      chan int
	}
	nestedMap = map[string]map[string][]*pair{}
	pointers  *[200]*pair
)

func init() {
	add("global variable", func() { plain = make(chan int); receive(plain) },
		func() { close(plain) })
	add("map value", func() { byName["a"] = make(chan int); receive(byName["a"]) },
		func() { close(byName["a"]) })
	add("large map", func() {
		for i := 0; i < 100; i++ {
			byNumber[i] = pair{c: make(chan int)}
			receive(byNumber[i].c)
		}
	}, func() {
		for _, p := range byNumber {
			close(p.c)
		}
	})
	add("map key", func() { c := make(chan int); byChannel[c] = true; receive(c) }, func() {
		for c := range byChannel {
			close(c)
		}
	})
	add("map of interfaces", func() { c := make(chan int); byInterface[3] = c; receive(c) },
		func() { close(byInterface[3].(chan int)) })
	add("map of maps", func() {
		p := &pair{c: make(chan int)}
		nestedMap["a"] = map[string][]*pair{"b": {nil, p}}
		receive(p.c)
	}, func() { close(nestedMap["a"]["b"][1].c) })
	add("interface", func() { c := make(chan int); anything = c; receive(c) },
		func() { close(anything.(chan int)) })
	add("interface with methods", func() { p := &pair{c: make(chan int)}; aCloser = p; receive(p.c) },
		func() { aCloser.end() })
	add("linked structs", func() {
		for i := 0; i < 50; i++ {
			chain = &nested{next: chain}
		}
		last := chain
		for last.next != nil {
			last = last.next
		}
		last.pair = &pair{c: make(chan int)}
		receive(last.pair.c)
	}, func() {
		for n := chain; n != nil; n = n.next {
			if n.pair != nil {
				close(n.pair.c)
			}
		}
	})
	add("interior pointer", func() {
		p := &pair{c: make(chan int)}
		interior = &p.c
		receive(p.c)
	}, func() { close(*interior) })
	add("slice", func() { slice = append(slice, nil, make(chan int)); receive(slice[1]) },
		func() { close(slice[1]) })
	add("middle of a slice", func() {
		all := make([]pair, 40)
		all[20].c = make(chan int)
		middle = all[18:22]
		receive(all[20].c)
	}, func() { close(middle[2].c) })
	add("array", func() { array = new([9]chan int); array[8] = make(chan int); receive(array[8]) },
		func() { close(array[8]) })
	add("array of structs in a variable", func() {
		inArray[3].c = make(chan int)
		receive(inArray[3].c)
	}, func() { close(inArray[3].c) })
	add("array of pointers", func() {
		pointers = new([200]*pair)
		pointers[199] = &pair{c: make(chan int)}
		receive(pointers[199].c)
	}, func() { close(pointers[199].c) })
	add("channel's buffer", func() { c := make(chan int); inBuffer <- c; receive(c) },
		func() { close(<-inBuffer) })
	add("sync.Map", func() { c := make(chan int); syncMap.Store("c", c); receive(c) },
		func() { c, _ := syncMap.Load("c"); close(c.(chan int)) })
	add("unsafe.Pointer", func() {
		p := &pair{c: make(chan int)}
		rawPointer = unsafe.Pointer(p)
		receive(p.c)
	}, func() { close((*pair)(rawPointer).c) })
	ways = append(ways, way{"sync.Pool", func() {
		p := &pair{c: make(chan int)}
		pool.Put(p)
		receive(p.c)
	}, func() {
		for {
			if p, ok := pool.Get().(*pair); ok {
				close(p.c)
				return
			}
			// It lies with the processor that put it there.
			time.Sleep(time.Millisecond)
		}
	}, true})
	add("atomic.Value", func() { c := make(chan int); value.Store(c); receive(c) },
		func() { close(value.Load().(chan int)) })
	add("wide struct", func() { aWide = &wide{c: make(chan int)}; receive(aWide.c) },
		func() { close(aWide.c) })
	add("huge struct", func() {
		aHuge = new(huge)
		aHuge.rows[2999].c = make(chan int)
		receive(aHuge.rows[2999].c)
	}, func() { close(aHuge.rows[2999].c) })
	add("list", func() { c := make(chan int); linked.PushBack(c); receive(c) },
		func() { close(linked.Front().Value.(chan int)) })
	add("closure", func() { c := make(chan int); function = func() { close(c) }; receive(c) },
		func() { function() })
	add("method value", func() {
		p := &pair{c: make(chan int)}
		methodValue = p.end
		receive(p.c)
	}, func() { methodValue() })
	add("reflect.MakeFunc", func() {
		c := make(chan int)
		madeFunction = reflect.MakeFunc(reflect.TypeOf(func() {}),
			func([]reflect.Value) []reflect.Value { close(c); return nil }).Interface().(func())
		receive(c)
	}, func() { madeFunction() })
	add("reflect.New", func() {
		made := reflect.New(reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: reflect.TypeOf([90]int{})},
			{Name: "C", Type: reflect.TypeOf((chan int)(nil))},
		}))
		c := make(chan int)
		made.Elem().Field(1).Set(reflect.ValueOf(c))
		syncMap.Store("reflect", made.Interface())
		receive(c)
	}, func() {
		v, _ := syncMap.Load("reflect")
		close(reflect.ValueOf(v).Elem().Field(1).Interface().(chan int))
	})
}
