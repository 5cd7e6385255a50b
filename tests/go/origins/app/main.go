// Command origins has goroutines whose stacks run through code of all origins, and some that lack
// one or another. It prints "ready".
package main

import (
	"bytes"
	"os"
	"runtime"
	"sort"
	"time"

	"example.org/app.x/inner"
	"example.net/yaml.x"
)

func ownOnly(c chan int) { <-c }

func throughModule(c chan int) { inner.Wait(c) }

func throughThirdParty(c chan int) { (&yaml.Decoder[chan int]{Value: c}).Decode(inner.Wait) }

func throughStandard(c chan int) {
	sort.Slice([]int{2, 1}, func(i, j int) bool { <-c; return i < j })
}

func main() {
	c := make(chan int)
	go ownOnly(c)
	go throughModule(c)
	go throughThirdParty(c)
	go throughStandard(c)
	text := make([]byte, 1<<16)
	for bytes.Count(text[:runtime.Stack(text, true)], []byte("[chan receive")) < 4 {
		time.Sleep(time.Millisecond)
	}
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Hour)
	close(c)
}
