(** * Lipschitz constants multiply under composition

    Statement.   If layer l lets no distance grow by more than θ_l, the network lets none grow by more than Π θ_l. ReLU
                 is 1-Lipschitz, on R^n too, so it costs nothing: W₂σW₁ has ‖W₂‖‖W₁‖, a residual block I + hf has
                 1 + hK. A map between 1-Lipschitz maps, such as a zero-padded convolution between extension by zeros
                 and restriction, has at most the constant of the map inside. Multiples of the identity attain the
                 product, with ReLU between them too; on other networks it can be far too large.
    Assumptions. any normed spaces, one for every layer; constants are at least 0
    Source.      the paper's (12); theory, sections 2 and 5
    Verdict.     proved as stated
    Theorems.    composition, chain, relu_is_one_lipschitz, relu_on_coordinates, affine_layer, two_layers,
                 residual_block, compression, zero_padding, chain_is_attained, relu_attains, product_can_be_too_large *)

From Coq Require Import Reals Lra Psatz List.
From NatrobProofs Require Import normed_space lipschitz_maps pair_space coordinates euclidean_space.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** ** Two maps between three spaces *)

Theorem composition : forall (U V W : NormedSpace) (outer : V -> W) (inner : U -> V) K L,
  0 <= K -> lipschitz_map outer K -> lipschitz_map inner L -> lipschitz_map (fun x => outer (inner x)) (K * L).
Proof.
  intros U V W outer inner K L nonnegative of_outer of_inner z y.
  (* ‖g(f(z)) − g(f(y))‖ ≤ K‖f(z) − f(y)‖ ≤ KL‖z − y‖ *)
  apply Rle_trans with (K * ‖inner z ⊖ inner y‖); [apply of_outer|].
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|apply of_inner].
Qed.

(** ** A chain of layers, each from one space to the next *)

Inductive Chain : NormedSpace -> NormedSpace -> Type :=
  | Nothing : forall V, Chain V V
  | Layer : forall U V W : NormedSpace, (U -> V) -> R -> Chain V W -> Chain U W.

Fixpoint run {U W : NormedSpace} (network : Chain U W) : U -> W :=
  match network in Chain U W return U -> W with
  | Nothing _ => fun x => x
  | Layer _ _ _ layer _ rest => fun x => run rest (layer x)
  end.

(** Π θ_l *)
Fixpoint constants {U W : NormedSpace} (network : Chain U W) : R :=
  match network with
  | Nothing _ => 1
  | Layer _ _ _ _ theta rest => constants rest * theta
  end.

(** Every layer has the constant that is written beside it. *)
Fixpoint valid {U W : NormedSpace} (network : Chain U W) : Prop :=
  match network with
  | Nothing _ => True
  | Layer _ _ _ layer theta rest => 0 <= theta /\ lipschitz_map layer theta /\ valid rest
  end.

Lemma constants_nonnegative : forall U W (network : Chain U W), valid network -> 0 <= constants network.
Proof.
  intros U W network. induction network as [V|U V W layer theta rest step]; simpl; [lra|].
  intros [nonnegative [_ others]]. apply Rmult_le_pos; auto.
Qed.

(** (12) *)
Theorem chain : forall U W (network : Chain U W), valid network -> lipschitz_map (run network) (constants network).
Proof.
  intros U W network. induction network as [V|U V W layer theta rest step]; simpl.
  - intros _ z y. lra.
  - intros [nonnegative [own others]]. apply composition.
    + apply constants_nonnegative. assumption.
    + apply step. assumption.
    + assumption.
Qed.

(** ** The parts of a network *)

Theorem relu_is_one_lipschitz : forall a b, Rabs (Rmax 0 a - Rmax 0 b) <= Rabs (a - b).
Proof.
  intros a b. unfold Rmax, Rabs.
  destruct (Rle_dec 0 a), (Rle_dec 0 b); repeat destruct (Rcase_abs _); lra.
Qed.

Lemma sum_monotone : forall n (u v : coordinates n), (forall i, u i <= v i) -> sum u <= sum v.
Proof.
  induction n as [|n step]; intros u v below; simpl; [lra|].
  apply Rplus_le_compat; [apply below|]. apply step. intro i. apply below.
Qed.

(** A function that is 1-Lipschitz on the numbers is so in every coordinate of R^n … *)
Lemma coordinatewise_is_lipschitz : forall (sigma : R -> R) n,
  (forall s t, Rabs (sigma s - sigma t) <= Rabs (s - t)) ->
  lipschitz_map (V := euclidean_normed_space n) (W := euclidean_normed_space n) (fun u i => sigma (u i)) 1.
Proof.
  intros sigma n constant z y. rewrite Rmult_1_l.
  change (sqrt (sum (fun i => (sigma (z i) + - sigma (y i)) ^ 2)) <= sqrt (sum (fun i => (z i + - y i) ^ 2))).
  apply sqrt_le_1_alt, sum_monotone. intro i.
  rewrite <- !Rsqr_pow2. apply Rsqr_le_abs_1, constant.
Qed.

(** … ReLU among them. *)
Corollary relu_on_coordinates : forall n,
  lipschitz_map (V := euclidean_normed_space n) (W := euclidean_normed_space n) (fun u i => Rmax 0 (u i)) 1.
Proof.
  intro n. apply coordinatewise_is_lipschitz, relu_is_one_lipschitz.
Qed.

Definition linear {V W : NormedSpace} (A : V -> W) : Prop :=
  (forall u v, A (u ⊕ v) = A u ⊕ A v) /\ (forall a u, A (a • u) = a • A u).

Lemma bounded_linear_map : forall (V W : NormedSpace) (A : V -> W) c,
  linear A -> (forall u, ‖A u‖ <= c * ‖u‖) -> lipschitz_map A c.
Proof.
  intros V W A c [additive homogeneous] bound z y.
  replace (A z ⊖ A y) with (A (z ⊖ y)); [apply bound|].
  rewrite additive, !opposite_is_scale, homogeneous. reflexivity.
Qed.

(** A linear layer has its operator norm as its constant, and a bias changes no difference. *)
Theorem affine_layer : forall (V W : NormedSpace) (A : V -> W) c bias,
  linear A -> (forall u, ‖A u‖ <= c * ‖u‖) -> lipschitz_map (fun y => A y ⊕ bias) c.
Proof.
  intros V W A c bias is_linear bound z y.
  replace ((A z ⊕ bias) ⊖ (A y ⊕ bias)) with (A z ⊖ A y) by vector. apply bounded_linear_map; assumption.
Qed.

(** W₂σW₁ with a 1-Lipschitz σ, biases included in the maps *)
Corollary two_layers : forall (U V W : NormedSpace) (last : V -> W) (sigma : V -> V) (first : U -> V) K L,
  0 <= K -> 0 <= L -> lipschitz_map last K -> lipschitz_map sigma 1 -> lipschitz_map first L ->
  lipschitz_map (fun x => last (sigma (first x))) (K * L).
Proof.
  intros U V W last sigma first K L outer inner of_last of_sigma of_first.
  apply (composition U V W last (fun x => sigma (first x))); try assumption.
  replace L with (1 * L) by ring. apply (composition U V V sigma first); [lra|assumption|assumption].
Qed.

Theorem residual_block : forall (V : NormedSpace) (f : V -> V) h K,
  0 <= h -> lipschitz_map f K -> lipschitz_map (fun y => y ⊕ h • f y) (1 + h * K).
Proof.
  intros V f h K forward constant z y.
  replace ((z ⊕ h • f z) ⊖ (y ⊕ h • f y)) with ((z ⊖ y) ⊕ h • (f z ⊖ f y)) by vector.
  apply Rle_trans with (‖z ⊖ y‖ + ‖h • (f z ⊖ f y)‖); [apply norm_triangle|].
  rewrite norm_scale, Rabs_right by lra.
  pose proof (Rmult_le_compat_l h _ _ forward (constant z y)). lra.
Qed.

(** P ∘ A ∘ E: extend, convolve on the torus, keep some of the outputs. *)
Theorem compression : forall (U V W X : NormedSpace) (keep : W -> X) (inside : V -> W) (extend : U -> V) K,
  0 <= K -> lipschitz_map keep 1 -> lipschitz_map inside K -> lipschitz_map extend 1 ->
  lipschitz_map (fun x => keep (inside (extend x))) K.
Proof.
  intros U V W X keep inside extend K nonnegative of_keep of_inside of_extend.
  replace K with (1 * (K * 1)) by ring.
  apply (composition U W X keep (fun x => inside (extend x))); [lra|assumption|].
  apply composition; assumption.
Qed.

(** Padding with zeros and cutting the padding off: the image is V, the padding is W. So an operator on the padded
    image, such as a convolution on the torus, has no smaller constant than what is left of it on the image. *)
Theorem zero_padding : forall (V W : NormedSpace) (A : pair_space V W -> pair_space V W) c,
  0 <= c -> lipschitz_map A c -> lipschitz_map (fun y : V => fst (A (y, zero))) c.
Proof.
  intros V W A c nonnegative constant.
  apply (compression V (pair_space V W) (pair_space V W) V fst A (fun y => (y, zero))); try assumption.
  - intros z y. change (‖fst z ⊖ fst y‖ <= 1 * norm2 (‖fst z ⊖ fst y‖) (‖snd z ⊖ snd y‖)).
    rewrite Rmult_1_l. apply below_norm2.
    pose proof (Rle_0_sqr (‖snd z ⊖ snd y‖)) as square. unfold Rsqr in square. lra.
  - intros z y. change (norm2 (‖z ⊖ y‖) (‖(zero : W) ⊖ zero‖) <= 1 * ‖z ⊖ y‖).
    rewrite add_opposite, norm_zero. pose proof (norm_nonnegative V (z ⊖ y)). apply norm2_below; nra.
Qed.

(** ** The product is attained, but not always *)

Fixpoint multiples (V : NormedSpace) (factors : list R) : Chain V V :=
  match factors with
  | [] => Nothing V
  | a :: rest => Layer V V V (fun x => a • x) a (multiples V rest)
  end.

Theorem chain_is_attained : forall V factors, Forall (fun a => 0 <= a) factors ->
  valid (multiples V factors) /\
  forall z y, ‖run (multiples V factors) z ⊖ run (multiples V factors) y‖
    = constants (multiples V factors) * ‖z ⊖ y‖.
Proof.
  intros V factors nonnegative. induction nonnegative as [|a rest positive _ [others equal]]; simpl.
  - split; [exact I|]. intros z y. ring.
  - assert (forall z y : V, ‖a • z ⊖ a • y‖ = a * ‖z ⊖ y‖) as multiple.
    { intros z y. replace (a • z ⊖ a • y) with (a • (z ⊖ y)) by vector. rewrite norm_scale, Rabs_right; lra. }
    split.
    + repeat split; try assumption. intros z y. rewrite multiple. lra.
    + intros z y. rewrite equal, multiple. ring.
Qed.

(** With ReLU: w₂ relu(w₁ y) attains w₂w₁ on inputs that are not negative … *)
Theorem relu_attains : forall w1 w2 s t, 0 <= w1 -> 0 <= w2 -> 0 <= s -> 0 <= t ->
  Rabs (w2 * Rmax 0 (w1 * s) - w2 * Rmax 0 (w1 * t)) = w2 * w1 * Rabs (s - t).
Proof.
  intros w1 w2 s t nonnegative1 nonnegative2 s_nonnegative t_nonnegative.
  rewrite !Rmax_right by (apply Rmult_le_pos; assumption).
  replace (w2 * (w1 * s) - w2 * (w1 * t)) with (w2 * w1 * (s - t)) by ring.
  rewrite Rabs_mult, (Rabs_pos_eq (w2 * w1)); [reflexivity|]. apply Rmult_le_pos; assumption.
Qed.

(** … while relu(−c relu(y)) does not move at all, and its product is c. *)
Theorem product_can_be_too_large : forall c t, 0 <= c -> Rmax 0 (- c * Rmax 0 t) = 0.
Proof.
  intros c t nonnegative. apply Rmax_left. pose proof (Rmult_le_pos _ _ nonnegative (Rmax_l 0 t)). lra.
Qed.
