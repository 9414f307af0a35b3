"""What watches over the program itself: errors that nobody caught, tasks that failed, loops that stall."""
