// Measures what Go programs use to watch their resources, and prints the results as Google Benchmark does.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

type result struct {
	Name     string  `json:"name"`
	RunType  string  `json:"run_type"`
	CPUTime  float64 `json:"cpu_time"`
	TimeUnit string  `json:"time_unit"`
}

// step does what is measured so many times.
type step func(times int)

// inChain runs end on the stack of a new goroutine that has 16 frames: end, those from open to serve, the goroutine's function
// and what the runtime starts it with. Returns how long the processor worked for it, the garbage collector included.
func inChain(end step, times int) time.Duration {
	start := processorTime()
	done := make(chan error)
	go func() {
		done <- serve(&request{path: "files/7", end: end, times: times})
	}()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	return processorTime() - start
}

// processorTime returns how long the processor worked for this process so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// measure returns the nanoseconds of one step.
func measure(end step, least time.Duration) float64 {
	for times := 1; ; {
		passed := inChain(end, times)
		if passed >= least {
			return float64(passed.Nanoseconds()) / float64(times)
		}
		times = 1 + int(1.2*float64(times)*float64(least)/float64(passed+1000))
		if times > 1_000_000_000 {
			times = 1_000_000_000
		}
	}
}

// depthOf returns how many frames the profile keeps of its only entry.
func depthOf(profile *pprof.Profile) int {
	var text bytes.Buffer
	if err := profile.WriteTo(&text, 1); err != nil {
		log.Fatal(err)
	}
	_, stack, _ := strings.Cut(text.String(), "@")
	stack, _, _ = strings.Cut(stack, "\n")
	return len(strings.Fields(stack))
}

func createAndClose[Frames any](tracker *Tracker[Frames]) step {
	return func(times int) {
		for i := 0; i < times; i++ {
			tag := tracker.Create("data.csv")
			tag.Close()
		}
	}
}

func checkDepth[Frames any](tracker *Tracker[Frames], want int) {
	tag := tracker.Create("data.csv")
	if tag.depth != want {
		log.Fatalf("the tracker keeps %d frames, and not %d", tag.depth, want)
	}
	tag.Close()
}

// replaceAny keeps so many tags open, and closes and replaces a random one of them each time.
func replaceAny(count int) step {
	tracker := newTracker[fiveFrames]()
	tags := make([]*Tag[fiveFrames], count)
	for i := range tags {
		tags[i] = tracker.Create("data.csv")
	}
	random := rand.New(rand.NewSource(1))
	return func(times int) {
		for i := 0; i < times; i++ {
			at := random.Intn(count)
			tags[at].Close()
			tags[at] = tracker.Create("data.csv")
		}
	}
}

func main() {
	least := flag.Float64("min_time", 0.1, "the least time of a measurement, in seconds")
	growth := flag.Int("growth", 0, "measure with 1,000 open tags and more, up to so many, and nothing else")
	out := flag.String("out", "/dev/stdout", "the file for the results")
	flag.Parse()
	duration := time.Duration(*least * float64(time.Second))

	article := newTracker[fiveFrames]()
	deep := newTracker[sixteenFrames]()
	profile := pprof.NewProfile("benchmark.files")
	addAndRemove := func(times int) {
		for i := 0; i < times; i++ {
			value := new(int)
			profile.Add(value, 0)
			profile.Remove(value)
		}
	}

	inChain(func(int) {
		profile.Add(profile, 0)
		if kept := depthOf(profile); kept != 16 {
			log.Fatalf("the profile keeps %d frames, and not 16", kept)
		}
		profile.Remove(profile)
		checkDepth(article, 5)
		checkDepth(deep, 16)
	}, 1)

	var results []result
	add := func(name string, end step) {
		results = append(results, result{name, "iteration", measure(end, duration), "ns"})
	}
	for count := 1000; count <= *growth; count *= 10 {
		add(fmt.Sprintf("go_seed_open_tags/%d", count), replaceAny(count))
	}
	if *growth == 0 {
		add("go_seed_5_ns", createAndClose(article))
		add("go_seed_16_ns", createAndClose(deep))
		add("go_pprof_16_ns", addAndRemove)
	}
	text, err := json.MarshalIndent(map[string]any{"benchmarks": results}, "", "  ")
	if err == nil {
		err = os.WriteFile(*out, append(text, '\n'), 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}
