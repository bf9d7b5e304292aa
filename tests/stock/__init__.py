"""What anybody would write with the stock packages: the peer in benchmarks and the control in
tests of our strict fields."""
