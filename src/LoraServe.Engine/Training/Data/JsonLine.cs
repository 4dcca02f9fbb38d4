namespace LoraServe.Engine.Training.Data;

/// <summary>A line of a file.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Bytes">Without line end and byte order mark; valid until the next line is read.</param>
/// <param name="IsTooLong">Whether it exceeds the limit of a line; the excess is not kept.</param>
internal readonly record struct JsonLine(int Number, ReadOnlyMemory<byte> Bytes, bool IsTooLong);
