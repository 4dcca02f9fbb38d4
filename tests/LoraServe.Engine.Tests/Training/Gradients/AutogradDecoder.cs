using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Gradients;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>
/// A reference decoder with LoRA in differentiable libtorch operations, one example at a time: hand-written gradients are compared with its
/// autograd gradients.
/// </summary>
/// <param name="config">The shape.</param>
/// <param name="weight">Weights by name; null if there is none.</param>
/// <param name="trained">Parameters by name.</param>
/// <param name="scaling">s by the module's path.</param>
/// <param name="dropout">What is dropped, or null.</param>
internal sealed class AutogradDecoder(
    ModelConfig config, Func<string, Tensor?> weight, IReadOnlyDictionary<string, Tensor> trained, Func<string, double> scaling, Dropout? dropout)
{
    private readonly List<string> _linears = [.. config.Modules("").Linears.Select(linear => linear.Path)];

    /// <summary>The sum of the cross-entropies of an example.</summary>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="targets">The token after each, or -1.</param>
    /// <param name="first">Index of its first token in the batch.</param>
    /// <param name="total">Tokens of the batch.</param>
    public Tensor Loss(int[] tokens, int[] targets, int first, int total)
    {
        var (cosine, sine) = new RotaryEmbedding(config, config.MaxPositionEmbeddings, CPU)
            .At(arange(tokens.Length, dtype: ScalarType.Int64), ScalarType.Float32);
        var x = Own("model.embed_tokens.weight").index_select(0, tensor(Array.ConvertAll(tokens, token => (long)token)));
        for (var i = 0; i < config.LayerCount; i++)
        {
            var path = $"model.layers.{i}";
            var normed = Norm(x, $"{path}.input_layernorm");
            x = x + Linear(Attention(normed, i, cosine, sine, first, total), $"{path}.self_attn.o_proj", first, total);
            normed = Norm(x, $"{path}.post_attention_layernorm");
            var gated = nn.functional.silu(Linear(normed, $"{path}.mlp.gate_proj", first, total)) * Linear(normed, $"{path}.mlp.up_proj", first, total);
            x = x + Linear(gated, $"{path}.mlp.down_proj", first, total);
        }

        var logits = Linear(Norm(x, "model.norm"), "lm_head", first, total);
        return nn.functional.cross_entropy(
            logits, tensor(Array.ConvertAll(targets, target => (long)target)), reduction: nn.Reduction.Sum, ignore_index: -1);
    }

    private Tensor Attention(Tensor x, int layer, Tensor cosine, Tensor sine, int first, int total)
    {
        var path = $"model.layers.{layer}.self_attn";
        var length = x.size(0);
        var query = Linear(x, $"{path}.q_proj", first, total).view(length, config.HeadCount, config.HeadDim);
        var key = Linear(x, $"{path}.k_proj", first, total).view(length, config.KvHeadCount, config.HeadDim);
        var value = Linear(x, $"{path}.v_proj", first, total).view(length, config.KvHeadCount, config.HeadDim);
        if (config.QkNorm) (query, key) = (Norm(query, $"{path}.q_norm"), Norm(key, $"{path}.k_norm"));
        var group = config.HeadCount / config.KvHeadCount;
        query = Rotate(query, cosine, sine).transpose(0, 1);
        key = Rotate(key, cosine, sine).repeat_interleave(group, dim: 1).transpose(0, 1);
        value = value.repeat_interleave(group, dim: 1).transpose(0, 1);
        var age = arange(length).unsqueeze(1) - arange(length).unsqueeze(0);
        var hidden = age.lt(0);
        if (config.SlidingWindows[layer] is { } window) hidden = hidden.logical_or(age.ge(window));
        var scores = query.bmm(key.transpose(1, 2)) / Math.Sqrt(config.HeadDim);
        return scores.masked_fill(hidden, double.NegativeInfinity).softmax(-1).bmm(value).transpose(0, 1).reshape(length, -1);
    }

    private static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        var half = x.size(-1) / 2;
        return (x * cosine) + (cat([-x.narrow(-1, half, half), x.narrow(-1, 0, half)], dim: -1) * sine);
    }

    private Tensor Norm(Tensor x, string path) =>
        x * ((x * x).mean([-1], keepdim: true) + config.RmsNormEpsilon).rsqrt() * Own($"{path}.weight");

    private Tensor Linear(Tensor x, string path, int first, int total)
    {
        var (w, bias) = (Own($"{path}.weight"), trained.GetValueOrDefault($"{path}.bias") ?? weight($"{path}.bias"));
        var result = nn.functional.linear(x, w, bias);
        if (!trained.TryGetValue($"{path}.lora_A.weight", out var a)) return result;
        var b = trained[$"{path}.lora_B.weight"] * scaling(path);
        var dropped = x;
        if (dropout is not null)
        {
            var mask = dropout.Mask(_linears.IndexOf(path), empty([total, x.size(1)]));
            dropped = x * mask.narrow(0, first, x.size(0));
        }

        var update = nn.functional.linear(nn.functional.linear(dropped, a), b);
        if (!trained.TryGetValue($"{path}.lora_magnitude_vector", out var magnitude)) return result + update;
        var norm = (w + b.mm(a)).Squared().sum(dim: 1).sqrt().detach();
        var gain = magnitude / norm;
        return result + ((gain - 1) * nn.functional.linear(dropped, w)) + (gain * update);
    }

    private Tensor Own(string name) =>
        trained.GetValueOrDefault(config.TieWordEmbeddings && name == "lm_head.weight" ? "model.embed_tokens.weight" : name) ?? weight(name)!;
}
