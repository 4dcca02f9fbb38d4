using System.Runtime.InteropServices;
using System.Text;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Benchmarks.Peers;

/// <summary>Writes a LoRA adapter of a Llama-shaped base as llama.cpp reads it: GGUF version 3, A and B in float32.</summary>
internal static class LoraGguf
{
    private const int Alignment = 32;
    private const int TypeFloat32 = 6;
    private const int TypeText = 8;

    private static readonly Dictionary<string, string> Names = new()
    {
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
    };

    /// <summary>Writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="adapter">Low-rank updates of layers, whose B carries the scaling.</param>
    /// <param name="config">The base.</param>
    public static void Write(string path, LoraAdapter adapter, ModelConfig config)
    {
        var tensors = adapter.Linears.SelectMany(pair => Tensors(pair.Key, (LowRankUpdate)pair.Value, config)).ToList();
        using var file = new BinaryWriter(File.Create(path));
        file.Write("GGUF"u8);
        file.Write(3);
        file.Write((long)tensors.Count);
        file.Write(4L);
        WriteText(file, "general.architecture", "llama");
        WriteText(file, "general.type", "adapter");
        WriteText(file, "adapter.type", "lora");
        WriteName(file, "adapter.lora.alpha");
        file.Write(TypeFloat32);
        // llama.cpp multiplies by alpha / r.
        file.Write((float)((LowRankUpdate)adapter.Linears.Values.First()).A.size(0));
        var offset = 0L;
        foreach (var (name, shape, values) in tensors)
        {
            WriteName(file, name);
            file.Write(shape.Length);
            foreach (var size in shape.Reverse()) file.Write(size);
            file.Write(0);
            file.Write(offset);
            offset += Aligned(values.Length * (long)sizeof(float));
        }

        foreach (var (_, _, values) in tensors)
        {
            Pad(file);
            file.Write(MemoryMarshal.AsBytes<float>(values));
        }
    }

    private static IEnumerable<(string Name, long[] Shape, float[] Values)> Tensors(string path, LowRankUpdate update, ModelConfig config)
    {
        var parts = path.Split('.', 4);
        var name = $"blk.{parts[2]}.{Names[parts[3]]}.weight.lora_";
        yield return ($"{name}a", update.A.shape, Floats(update.A));
        using var scope = NewDisposeScope();
        var heads = parts[3] switch { "self_attn.q_proj" => config.HeadCount, "self_attn.k_proj" => config.KvHeadCount, _ => 0 };
        // llama.cpp keeps the two halves of a head interleaved.
        var b = heads == 0 ? update.B : update.B.reshape(heads, 2, config.HeadDim / 2, -1).transpose(1, 2).reshape(update.B.shape);
        yield return ($"{name}b", update.B.shape, Floats(b));
    }

    private static float[] Floats(Tensor tensor)
    {
        using var wide = tensor.to(ScalarType.Float32).contiguous();
        return [.. wide.data<float>()];
    }

    private static void WriteText(BinaryWriter file, string name, string value)
    {
        WriteName(file, name);
        file.Write(TypeText);
        WriteName(file, value);
    }

    private static void WriteName(BinaryWriter file, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        file.Write((long)bytes.Length);
        file.Write(bytes);
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Pad(BinaryWriter file)
    {
        while (file.BaseStream.Position % Alignment != 0) file.Write((byte)0);
    }
}
