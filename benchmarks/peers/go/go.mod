module leash/benchmarks/peers/go

go 1.19
