// Command leaky leaks goroutines in many ways, each of them many times, and can say itself which
// they are: since Go 1.27 (1.26 with GOEXPERIMENT=goroutineleakprofile) the runtime has a profile
// of them.
//
// It prints "ready"; for each line of its input it then writes that profile to the file which the
// line names and prints "written".
//
//	leaky N [WAY...]    each way N times
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ways to leak, by name
var ways = map[string]func(){}

// keep is what the program keeps for good: some of what goroutines wait for is reachable from it.
var keep []interface{}

var sink *[3]byte

// Go's profile writer fills the block of tiny objects that a processor is at: locks in it would seem
// reachable from then on.
func leaveTinyBlocks() {
	for i := 0; i < 20000; i++ {
		sink = new([3]byte)
	}
}

// settle waits until no goroutine but this one runs, twice in a row.
func settle() {
	text := make([]byte, 64<<20)
	for quiet := 0; quiet < 3; time.Sleep(5 * time.Millisecond) {
		stacks := string(text[:runtime.Stack(text, true)])
		if strings.Contains(stacks[1:], "[runnable") || strings.Contains(stacks[100:], "[running") ||
			strings.Contains(stacks, "[sleep") {
			quiet = 0
		} else {
			quiet++
		}
	}
}

func main() {
	times, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	names := os.Args[2:]
	for name := range ways {
		if len(os.Args) == 2 {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for i := 0; i < times; i++ {
		for _, name := range names {
			done := make(chan bool)
			go func(f func()) {
				f()
				close(done)
			}(ways[name])
			<-done
		}
	}
	settle()
	leaveTinyBlocks()
	runtime.GC()
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		file, err := os.Create(in.Text())
		if err != nil {
			panic(err)
		}
		if profile := pprof.Lookup("goroutineleak"); profile != nil {
			profile.WriteTo(file, 2)
		}
		file.Close()
		fmt.Println("written")
	}
}
