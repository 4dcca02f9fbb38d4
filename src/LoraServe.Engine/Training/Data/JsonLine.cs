namespace LoraServe.Engine.Training.Data;

/// <summary>A line of a file.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Bytes">Without the bytes that end it, and a mark at the start of the file; valid until the next line is read.</param>
/// <param name="IsTooLong">Whether it has more bytes than a line may have, which are not kept.</param>
internal readonly record struct JsonLine(int Number, ReadOnlyMemory<byte> Bytes, bool IsTooLong);
