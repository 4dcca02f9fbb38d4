using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// Reads the tensors of a checkpoint into one block of memory, converted to the compute dtype, and hashes them as they are stored. What needs no
/// conversion is copied by one thread and hashed by another, from the memory where it stays.
/// </summary>
internal static class WeightsReading
{
    /// <summary>Reads them.</summary>
    /// <param name="expected">Names and shapes, all of which the checkpoint has.</param>
    /// <param name="checkpoint">The open files.</param>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="device">Where to put them.</param>
    /// <param name="progress">Receives the fraction of tensors read, 0 to 1.</param>
    /// <returns>The tensors by name, the fingerprint, and whether all are stored in the compute dtype.</returns>
    public static (SortedDictionary<string, Tensor> Tensors, string Fingerprint, bool IsAsStored) Read(
        IReadOnlyCollection<(string Name, long[] Shape)> expected,
        Checkpoint checkpoint,
        ScalarType dtype,
        Device device,
        IProgress<double>? progress)
    {
        var tensors = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        using var block = Block(expected, dtype, device);
        var memory = new WeightMemory(block);
        using var hash = new WeightsHash();
        var hashing = Task.CompletedTask;
        var isAsStored = true;
        try
        {
            foreach (var (name, shape) in expected.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
            {
                var tensor = memory.Next(shape);
                tensors.Add(name, tensor);
                if (device.type == DeviceType.CPU && checkpoint.Entries[name].Dtype.ToScalarType() == dtype)
                {
                    checkpoint.ReadInto(name, tensor);
                    hashing = hashing.ContinueWith(
                        before =>
                        {
                            before.GetAwaiter().GetResult();
                            hash.Append(name, tensor);
                        },
                        CancellationToken.None,
                        TaskContinuationOptions.None,
                        TaskScheduler.Default);
                }
                else
                {
                    using var stored = checkpoint.Read(name);
                    hashing.GetAwaiter().GetResult();
                    hash.Append(name, stored);
                    isAsStored &= stored.dtype == dtype;
                    using var normalMode = inference_mode(false);
                    tensor.copy_(stored);
                }

                progress?.Report((double)tensors.Count / expected.Count);
            }
        }
        finally
        {
            // It reads the tensors, which a caller that fails would free.
            ((IAsyncResult)hashing).AsyncWaitHandle.WaitOne();
        }

        hashing.GetAwaiter().GetResult();
        return (tensors, hash.Finish(), isAsStored);
    }

    // Its tensors keep it.
    private static Tensor Block(IEnumerable<(string Name, long[] Shape)> expected, ScalarType dtype, Device device)
    {
        using var one = empty(1, dtype);
        return WeightMemory.Allocate(WeightMemory.Elements(expected.Select(tensor => tensor.Shape), one.element_size()), dtype, device);
    }
}
