// Command serve has net/http/pprof, as servers have, and a handler that leaks: /leak?n=7 leaves
// seven goroutines behind. It prints its address and "ready".
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

//go:noinline
func leak(started, c chan int) {
	started <- 1
	<-c
}

//go:noinline
func pool(jobs chan int) { <-jobs }

// waiting is how many goroutines wait in a function.
func waiting(name string) int {
	text := make([]byte, 1<<20)
	number := 0
	for _, stack := range strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n") {
		if strings.Contains(stack, "[chan receive") && strings.Contains(stack, name+"(") {
			number++
		}
	}
	return number
}

var jobs = make(chan int)

func main() {
	leaked := 0
	for i := 0; i < 4; i++ {
		go pool(jobs)
	}
	http.HandleFunc("/leak", func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(r.FormValue("n"))
		started := make(chan int)
		for i := 0; i < number; i++ {
			go leak(started, make(chan int))
			<-started
		}
		for leaked += number; waiting("main.leak") != leaked || waiting("main.pool") != 4; {
			time.Sleep(time.Millisecond)
		}
		fmt.Fprintln(w, "done")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("address %s\n", listener.Addr())
	os.Stdout.WriteString("ready\n")
	http.Serve(listener, nil)
}
